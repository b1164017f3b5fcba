import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.leshan.core.link.Link;
import org.eclipse.leshan.core.link.attributes.Attribute;
import org.eclipse.leshan.core.model.LwM2mModel;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mObject;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.response.CreateResponse;
import org.eclipse.leshan.core.response.DiscoverResponse;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.util.Hex;

/**
 * Leshan's answers, nodes and links in JSON, as the REST interface of its demo server has them: {"id", "instances"},
 * {"id", "resources"}, {"id", "values"} of a multiple resource, {"id", "value"}. Octets are hexadecimal, times ISO 8601.
 */
final class Nodes {
    private Nodes() {}

    /** The definitions in a directory; of an object that has one for version 1.0 of LwM2M ("3-1_0.xml"), that one. */
    static LwM2mModel definitions(File directory) throws Exception {
        String[] names = directory.list((parent, name) -> name.endsWith(".xml"));
        Arrays.sort(names, Collections.reverseOrder()); // "3.xml", then "3-1_0.xml", which takes its place
        List<ObjectModel> models = new ArrayList<>();
        for (String name : names) {
            try (InputStream input = new FileInputStream(new File(directory, name))) {
                models.addAll(ObjectLoader.loadDdfFile(input, name));
            }
        }
        return new StaticModel(models);
    }

    static ObjectNode json(LwM2mNode node) {
        ObjectNode json = Lines.object();
        if (node instanceof LwM2mObject) {
            json.put("id", ((LwM2mObject) node).getId());
            ArrayNode instances = json.putArray("instances");
            ((LwM2mObject) node).getInstances().values().forEach(instance -> instances.add(json(instance)));
        } else if (node instanceof LwM2mObjectInstance) {
            json.put("id", ((LwM2mObjectInstance) node).getId());
            ArrayNode resources = json.putArray("resources");
            ((LwM2mObjectInstance) node).getResources().values().forEach(resource -> resources.add(json(resource)));
        } else if (node instanceof LwM2mResourceInstance) {
            json.put("id", ((LwM2mResourceInstance) node).getId());
            put(json, "value", ((LwM2mResourceInstance) node).getValue());
        } else {
            LwM2mResource resource = (LwM2mResource) node;
            json.put("id", resource.getId());
            if (resource.isMultiInstances()) {
                ObjectNode values = json.putObject("values");
                resource.getInstances().forEach((id, item) -> put(values, id.toString(), item.getValue()));
            } else {
                put(json, "value", resource.getValue());
            }
        }
        return json;
    }

    /** A device's answer. */
    static ObjectNode json(LwM2mResponse response) {
        ObjectNode json = Lines.object().put("status", response.getCode().toString());
        json.put("detail", response.getErrorMessage());
        json.put("format", ((Response) response.getCoapResponse()).getOptions().getContentFormat());
        if (response instanceof ReadResponse && ((ReadResponse) response).getContent() != null) {
            json.set("content", json(((ReadResponse) response).getContent()));
        } else if (response instanceof DiscoverResponse && ((DiscoverResponse) response).getObjectLinks() != null) {
            put(json.putArray("objectLinks"), ((DiscoverResponse) response).getObjectLinks());
        } else if (response instanceof CreateResponse) {
            json.put("location", ((CreateResponse) response).getLocation());
        }
        return json;
    }

    private static void put(ObjectNode json, String name, Object value) {
        if (value instanceof Long) json.put(name, (Long) value);
        else if (value instanceof Double) json.put(name, (Double) value);
        else if (value instanceof Boolean) json.put(name, (Boolean) value);
        else if (value instanceof Date) json.put(name, ((Date) value).toInstant().toString());
        else if (value instanceof byte[]) json.put(name, Hex.encodeHexString((byte[]) value));
        else if (value instanceof ObjectLink) json.put(name, ((ObjectLink) value).encodeToString());
        else json.put(name, value.toString());
    }

    /** The node that {@code path} leads to; {@code model} knows its types. */
    static LwM2mNode node(JsonNode json, LwM2mPath path, LwM2mModel model) {
        if (json.has("resources")) {
            List<LwM2mResource> resources = new ArrayList<>();
            for (JsonNode item : json.get("resources")) resources.add(resource(item, path.getObjectId(), model));
            return json.has("id")
                    ? new LwM2mObjectInstance(json.get("id").asInt(), resources)
                    : new LwM2mObjectInstance(resources);
        }
        if (path.isResourceInstance()) {
            Type type = type(model, path.getObjectId(), path.getResourceId());
            return LwM2mResourceInstance.newInstance(
                    path.getResourceInstanceId(), value(json.get("value"), type), type);
        }
        return resource(json, path.getObjectId(), model);
    }

    private static LwM2mResource resource(JsonNode json, int objectId, LwM2mModel model) {
        int id = json.get("id").asInt();
        Type type = type(model, objectId, id);
        if (!json.has("values")) return LwM2mSingleResource.newResource(id, value(json.get("value"), type), type);
        Map<Integer, Object> values = new HashMap<>();
        json.get("values").fields().forEachRemaining(
                item -> values.put(Integer.valueOf(item.getKey()), value(item.getValue(), type)));
        return LwM2mMultipleResource.newResource(id, values, type);
    }

    private static Type type(LwM2mModel model, int objectId, int resourceId) {
        ResourceModel resource = model.getResourceModel(objectId, resourceId);
        if (resource == null) throw new IllegalArgumentException("no model of /" + objectId + "/x/" + resourceId);
        return resource.type;
    }

    private static Object value(JsonNode json, Type type) {
        switch (type) {
            case INTEGER:
                return json.asLong();
            case FLOAT:
                return json.asDouble();
            case BOOLEAN:
                return json.asBoolean();
            case OPAQUE:
                return Hex.decodeHex(json.asText().toCharArray());
            case TIME:
                return Date.from(Instant.parse(json.asText()));
            case OBJLNK:
                return ObjectLink.decodeFromString(json.asText());
            default:
                return json.asText();
        }
    }

    static void put(ArrayNode json, Link[] links) {
        for (Link link : links) {
            ObjectNode attributes = json.addObject().put("url", link.getUriReference()).putObject("attributes");
            for (Attribute item : link.getAttributes()) attributes.put(item.getName(), item.getCoreLinkValue());
        }
    }
}
