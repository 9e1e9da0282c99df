package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;

/** JSON texts to their bytes. */
final class JsonText {
    private JsonText() {}

    /** One line, as QEMU ends it. */
    static byte[] line(JsonNode node) {
        return (node + "\r\n").getBytes(StandardCharsets.UTF_8);
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
