import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.link.lwm2m.attributes.DefaultLwM2mAttributeParser;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeSet;
import org.eclipse.leshan.core.model.LwM2mModel;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.codec.DefaultLwM2mDecoder;
import org.eclipse.leshan.core.node.codec.DefaultLwM2mEncoder;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.CancelObservationRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.CreateRequest;
import org.eclipse.leshan.core.request.DeleteRequest;
import org.eclipse.leshan.core.request.DiscoverRequest;
import org.eclipse.leshan.core.request.DownlinkRequest;
import org.eclipse.leshan.core.request.ExecuteRequest;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadCompositeRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.WriteAttributesRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.request.exception.ClientSleepingException;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.californium.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.server.californium.endpoint.coap.CoapServerProtocolProvider;
import org.eclipse.leshan.server.californium.endpoint.coaps.CoapsServerProtocolProvider;
import org.eclipse.leshan.server.model.StaticModelProvider;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.queue.PresenceListener;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.registration.RegistrationListener;
import org.eclipse.leshan.server.registration.RegistrationUpdate;
import org.eclipse.leshan.server.security.EditableSecurityStore;
import org.eclipse.leshan.server.security.FileSecurityStore;
import org.eclipse.leshan.server.security.SecurityInfo;

/**
 * Leshan's LwM2M server on loopback; see Lines. Its keys are in a file of its directory, all else is in memory.
 *
 * Orders: {"do": operation, "endpoint": name, "path": text, "format": name or number, "node": see Nodes, ...}, answered
 * by {"status": "CONTENT(205)", "content", "objectLinks", "location", "format": number}; with "queue": true, a device
 * that sleeps is asked once it is awake. And "psk", "registration", "awake". Events: as Leshan's demo server has them,
 * "ENDED" for a notification that is an error, "UNREADABLE", and "QUEUED" for an order that waits.
 */
public class LeshanServer {
    private static final int AWAKE_MS = 93_000; // Leshan's default: MAX_TRANSMIT_WAIT of CoAP

    private final EditableSecurityStore keys = new FileSecurityStore("keys");
    private final Map<String, Integer> awakeTimes = new ConcurrentHashMap<>();
    private final Map<String, List<JsonNode>> waiting = new ConcurrentHashMap<>();
    private final LwM2mModel model;
    private final org.eclipse.leshan.server.LeshanServer server;

    /** Arguments: the ports of coap and coaps, and the directory with the definitions of the objects. */
    public static void main(String[] arguments) throws Exception {
        int coapPort = Integer.parseInt(arguments[0]);
        int coapsPort = Integer.parseInt(arguments[1]);
        LeshanServer it = new LeshanServer(coapPort, coapsPort, Nodes.definitions(new File(arguments[2])));
        it.server.start();
        Lines.serve(it::take);
    }

    private LeshanServer(int coapPort, int coapsPort, LwM2mModel model) {
        this.model = model;
        CaliforniumServerEndpointsProvider.Builder endpoints = new CaliforniumServerEndpointsProvider.Builder(
                new CoapServerProtocolProvider(), new CoapsServerProtocolProvider());
        endpoints.addEndpoint(new InetSocketAddress("127.0.0.1", coapPort), Protocol.COAP);
        endpoints.addEndpoint(new InetSocketAddress("127.0.0.1", coapsPort), Protocol.COAPS);
        server = new LeshanServerBuilder()
                .setEndpointsProviders(endpoints.build())
                .setSecurityStore(keys)
                .setObjectModelProvider(new StaticModelProvider(model))
                .setEncoder(new DefaultLwM2mEncoder(true)) // true: with the formats' old numbers, 1542 and 1543
                .setDecoder(new DefaultLwM2mDecoder(true))
                .setClientAwakeTimeProvider(device -> awakeTimes.getOrDefault(device.getEndpoint(), AWAKE_MS))
                .build();
        Teller teller = new Teller();
        server.getRegistrationService().addListener(teller);
        server.getObservationService().addListener(teller);
        server.getPresenceService().addListener(teller);
    }

    private void take(JsonNode order) throws Exception {
        String endpoint = order.get("endpoint").asText();
        Registration device = server.getRegistrationService().getByEndpoint(endpoint);
        switch (order.get("do").asText()) {
            case "psk":
                keys.remove(endpoint, true);
                keys.add(SecurityInfo.newPreSharedKeyInfo(
                        endpoint, order.get("identity").asText(), order.get("key").binaryValue()));
                break;
            case "awake":
                awakeTimes.put(endpoint, order.get("ms").asInt());
                break;
            case "registration":
                Lines.done(order, device == null ? Lines.object() : json(device));
                return;
            default:
                if (device == null) throw new IllegalArgumentException(endpoint + " is not registered");
                ask(device, order);
                return;
        }
        Lines.done(order, Lines.object());
    }

    private void ask(Registration device, JsonNode order) throws Exception {
        LwM2mPath path = new LwM2mPath(order.get("path").asText());
        if (order.get("do").asText().equals("cancel")) { // the passive way: it is the server's own affair
            server.getObservationService().cancelObservations(device, path.toString());
            Lines.done(order, Lines.object());
            return;
        }
        try {
            send(device, order, request(device, order, path));
        } catch (ClientSleepingException asleep) {
            if (!order.path("queue").asBoolean()) throw asleep;
            waiting.merge(device.getEndpoint(), List.of(order), LeshanServer::join);
            Lines.tell("QUEUED", device.getEndpoint(), Lines.object().set("order", order));
        }
    }

    private static List<JsonNode> join(List<JsonNode> some, List<JsonNode> more) {
        List<JsonNode> all = new ArrayList<>(some);
        all.addAll(more);
        return all;
    }

    private DownlinkRequest<? extends LwM2mResponse> request(Registration device, JsonNode order, LwM2mPath path)
            throws Exception {
        String target = path.toString();
        ContentFormat format = format(order.path("format"));
        switch (order.get("do").asText()) {
            case "read":
                return new ReadRequest(format, target);
            case "observe":
                return new ObserveRequest(format, target);
            case "cancel_actively":
                for (Observation item : server.getObservationService().getObservations(device)) {
                    if (((SingleObservation) item).getPath().equals(path)) {
                        return new CancelObservationRequest((SingleObservation) item);
                    }
                }
                throw new IllegalArgumentException(target + " is not observed");
            case "read_composite":
                return new ReadCompositeRequest(ContentFormat.SENML_JSON, ContentFormat.SENML_JSON, target);
            case "discover":
                return new DiscoverRequest(target);
            case "execute":
                return new ExecuteRequest(target, order.path("arguments").asText());
            case "delete":
                return new DeleteRequest(target);
            case "write_attributes":
                return new WriteAttributesRequest(
                        path,
                        new LwM2mAttributeSet(new DefaultLwM2mAttributeParser()
                                .parseUriQuery(order.get("attributes").asText())));
            case "create":
                LwM2mObjectInstance made = (LwM2mObjectInstance) Nodes.node(order.get("node"), path, model);
                return made.getId() == LwM2mObjectInstance.UNDEFINED
                        ? new CreateRequest(format, target, made.getResources().values())
                        : new CreateRequest(format, target, made);
            case "write":
            case "update":
                WriteRequest.Mode mode = order.get("do").asText().equals("write")
                        ? WriteRequest.Mode.REPLACE
                        : WriteRequest.Mode.UPDATE;
                return new WriteRequest(mode, format, path, Nodes.node(order.get("node"), path, model));
            default:
                throw new IllegalArgumentException("no such order: " + order);
        }
    }

    private static ContentFormat format(JsonNode json) {
        if (json.isInt()) return new ContentFormat(json.asInt());
        return json.isTextual() ? ContentFormat.fromName(json.asText()) : null;
    }

    private <T extends LwM2mResponse> void send(Registration device, JsonNode order, DownlinkRequest<T> request) {
        server.send(
                device,
                request,
                order.get("timeout").asLong() * 1000,
                response -> Lines.done(order, Nodes.json(response)),
                error -> Lines.refused(order, error));
    }

    private ObjectNode json(Registration device) {
        ObjectNode json = Lines.object()
                .put("registrationId", device.getId())
                .put("lifetime", device.getLifeTimeInSec())
                .put("lwM2mVersion", device.getLwM2mVersion().toString())
                .put("bindingMode", BindingMode.toString(device.getBindingMode()))
                .put("rootPath", device.getRootPath())
                .put("formats", device.getSupportedContentFormats().toString())
                .put("secure", device.getLastEndpointUsed().getScheme().equals("coaps"))
                .put("queuemode", device.usesQueueMode())
                .put("sleeping", device.usesQueueMode() && !server.getPresenceService().isClientAwake(device));
        Nodes.put(json.putArray("objectLinks"), device.getSortedObjectLinks());
        return json.put("endpoint", device.getEndpoint());
    }

    /** Tells what happens to the devices. */
    private class Teller implements RegistrationListener, ObservationListener, PresenceListener {
        private void tell(String event, Registration device, ObjectNode more) {
            Lines.tell(event, device.getEndpoint(), more);
        }

        @Override
        public void registered(Registration device, Registration previous, Collection<Observation> observations) {
            tell("REGISTRATION", device, json(device));
        }

        @Override
        public void updated(RegistrationUpdate update, Registration device, Registration previous) {
            tell("UPDATED", device, json(device));
        }

        @Override
        public void unregistered(
                Registration device, Collection<Observation> observations, boolean expired, Registration next) {
            tell("DEREGISTRATION", device, json(device).put("expired", expired));
        }

        @Override
        public void onResponse(SingleObservation observation, Registration device, ObserveResponse response) {
            ObjectNode more = Lines.object().put("res", observation.getPath().toString());
            if (response.isSuccess()) {
                more.set("val", Nodes.json(response.getContent()));
                tell("NOTIFICATION", device, more);
            } else {
                tell("ENDED", device, more.put("status", response.getCode().toString()));
            }
        }

        @Override
        public void onResponse(
                CompositeObservation observation, Registration device, ObserveCompositeResponse response) {}

        @Override
        public void newObservation(Observation observation, Registration device) {}

        @Override
        public void cancelled(Observation observation) {}

        @Override
        public void onError(Observation observation, Registration device, Exception error) {
            tell("UNREADABLE", device, Lines.object().put("detail", error.toString()));
        }

        @Override
        public void onAwake(Registration device) {
            tell("AWAKE", device, Lines.object());
            List<JsonNode> orders = waiting.remove(device.getEndpoint());
            for (JsonNode order : orders == null ? List.<JsonNode>of() : orders) {
                try {
                    ask(device, order);
                } catch (Exception error) {
                    Lines.refused(order, error);
                }
            }
        }

        @Override
        public void onSleeping(Registration device) {
            tell("SLEEPING", device, Lines.object());
        }
    }
}
