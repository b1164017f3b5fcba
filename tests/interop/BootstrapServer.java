import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.InetSocketAddress;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.peer.LwM2mPeer;
import org.eclipse.leshan.core.request.BootstrapDownlinkRequest;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.response.BootstrapDiscoverResponse;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.server.bootstrap.BootstrapConfig;
import org.eclipse.leshan.server.bootstrap.BootstrapFailureCause;
import org.eclipse.leshan.server.bootstrap.BootstrapSession;
import org.eclipse.leshan.server.bootstrap.BootstrapSessionListener;
import org.eclipse.leshan.server.bootstrap.InMemoryBootstrapConfigStore;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServer;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServerBuilder;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.CaliforniumBootstrapServerEndpointsProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coap.CoapBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coaps.CoapsBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.security.BootstrapSecurityStoreAdapter;
import org.eclipse.leshan.server.security.InMemorySecurityStore;
import org.eclipse.leshan.server.security.SecurityInfo;

/**
 * Leshan's bootstrap server on loopback; see Lines.
 *
 * Orders: {"do": "configure", "endpoint": name, "config": Leshan's BootstrapConfig, octets in base64} and {"do": "psk",
 * "endpoint": name, "identity": text, "key": base64}. Events: each step of a bootstrap session.
 */
public class BootstrapServer {
    private static final ObjectMapper JSON =
            new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, true);

    public static void main(String[] arguments) throws Exception {
        int coapPort = Integer.parseInt(arguments[0]);
        int coapsPort = Integer.parseInt(arguments[1]);
        InMemoryBootstrapConfigStore configurations = new InMemoryBootstrapConfigStore();
        InMemorySecurityStore keys = new InMemorySecurityStore();

        CaliforniumBootstrapServerEndpointsProvider.Builder endpoints =
                new CaliforniumBootstrapServerEndpointsProvider.Builder(
                        new CoapBootstrapServerProtocolProvider(), new CoapsBootstrapServerProtocolProvider());
        endpoints.addEndpoint(new InetSocketAddress("127.0.0.1", coapPort), Protocol.COAP);
        endpoints.addEndpoint(new InetSocketAddress("127.0.0.1", coapsPort), Protocol.COAPS);

        LeshanBootstrapServer server = new LeshanBootstrapServerBuilder()
                .setConfigStore(configurations)
                .setSecurityStore(new BootstrapSecurityStoreAdapter(keys))
                .setEndpointsProviders(endpoints.build())
                .build();
        server.addListener(new Teller());
        server.start();
        Lines.serve(order -> {
            String endpoint = order.get("endpoint").asText();
            if (order.get("do").asText().equals("psk")) {
                keys.remove(endpoint, true);
                keys.add(SecurityInfo.newPreSharedKeyInfo(
                        endpoint, order.get("identity").asText(), order.get("key").binaryValue()));
            } else {
                configurations.add(endpoint, JSON.treeToValue(order.get("config"), BootstrapConfig.class));
            }
            Lines.done(order, Lines.object());
        });
    }

    private static void tell(String event, String endpoint, String detail) {
        Lines.tell(event, endpoint, Lines.object().put("detail", detail));
    }

    /** Tells each step of a session. */
    private static class Teller implements BootstrapSessionListener {
        @Override
        public void sessionInitiated(BootstrapRequest request, LwM2mPeer client) {
            tell("initiated", request.getEndpointName(), null);
        }

        @Override
        public void unAuthorized(BootstrapRequest request, LwM2mPeer client) {
            tell("unauthorized", request.getEndpointName(), null);
        }

        @Override
        public void authorized(BootstrapSession session) {
            tell("authorized", session.getEndpoint(), null);
        }

        @Override
        public void noConfig(BootstrapSession session) {
            tell("no_config", session.getEndpoint(), null);
        }

        @Override
        public void sendRequest(BootstrapSession session, BootstrapDownlinkRequest<? extends LwM2mResponse> request) {}

        @Override
        public void onResponseSuccess(
                BootstrapSession session,
                BootstrapDownlinkRequest<? extends LwM2mResponse> request,
                LwM2mResponse response) {
            answered(session, request, response);
        }

        @Override
        public void onResponseError(
                BootstrapSession session,
                BootstrapDownlinkRequest<? extends LwM2mResponse> request,
                LwM2mResponse response) {
            answered(session, request, response);
        }

        private void answered(
                BootstrapSession session,
                BootstrapDownlinkRequest<? extends LwM2mResponse> request,
                LwM2mResponse response) {
            String detail = response.getErrorMessage();
            if (response instanceof BootstrapDiscoverResponse) {
                detail = java.util.Arrays.toString(((BootstrapDiscoverResponse) response).getObjectLinks());
            }
            String name = request.getClass().getSimpleName().replaceAll("Bootstrap|Request", "");
            String path = request.getPath() == null ? "" : " " + request.getPath();
            Lines.tell(
                    "answered",
                    session.getEndpoint(),
                    Lines.object()
                            .put("detail", detail)
                            .put("request", name + path)
                            .put("code", response.getCode().toString()));
        }

        @Override
        public void onRequestFailure(
                BootstrapSession session,
                BootstrapDownlinkRequest<? extends LwM2mResponse> request,
                Throwable cause) {
            tell("unanswered", session.getEndpoint(), String.valueOf(cause));
        }

        @Override
        public void end(BootstrapSession session) {
            tell("finished", session.getEndpoint(), null);
        }

        @Override
        public void failed(BootstrapSession session, BootstrapFailureCause cause) {
            tell("failed", session.getEndpoint(), cause.toString());
        }
    }
}
