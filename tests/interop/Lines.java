import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * One JSON object a line: orders on the standard input, what happens on the standard output.
 *
 * An order has an "id", and is answered by one line with that "id": {"event": "done", ...}, or {"event": "refused",
 * "detail": text}. All other lines are {"event": name, "endpoint": name, ...}; the first one is {"event": "ready"}.
 */
final class Lines {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    /** Carries an order out, and has it answered, at once or later. */
    interface Orders {
        void take(JsonNode order) throws Exception;
    }

    private Lines() {}

    static ObjectNode object() {
        return JSON.createObjectNode();
    }

    /** Take orders until the standard input ends; then the program ends. */
    static void serve(Orders orders) throws IOException {
        say(object().put("event", "ready"));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JsonNode order = JSON.readTree(line);
            try {
                orders.take(order);
            } catch (Exception error) {
                refused(order, error);
            }
        }
        System.exit(0);
    }

    static void done(JsonNode order, ObjectNode result) {
        say(result.put("event", "done").put("id", order.get("id").asInt()));
    }

    static void refused(JsonNode order, Exception error) {
        say(object().put("event", "refused").put("id", order.get("id").asInt()).put("detail", error.toString()));
    }

    static void tell(String event, String endpoint, ObjectNode more) {
        say(more.put("event", event).put("endpoint", endpoint));
    }

    private static synchronized void say(ObjectNode line) {
        OUT.println(line);
    }
}
