package io.varve.capture.qmp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** JSON texts from and to their bytes: strict, but for the strings in single quotes that QEMU takes, too. */
final class JsonText {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
            .enable(JsonReadFeature.ALLOW_BACKSLASH_ESCAPING_ANY_CHARACTER)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private JsonText() {}

    /** What the bytes say. */
    sealed interface Parsed {
        record Value(JsonNode node) implements Parsed {}

        record Broken(String reason) implements Parsed {}
    }

    static Parsed parse(ByteBuffer bytes) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
            return new Parsed.Value(MAPPER.readTree(text));
        } catch (CharacterCodingException e) {
            return new Parsed.Broken("JSON parse error, invalid UTF-8 sequence in string");
        } catch (JsonProcessingException e) {
            return new Parsed.Broken("JSON parse error, " + e.getOriginalMessage());
        }
    }

    /** One line, as QEMU ends it. */
    static byte[] line(JsonNode node) {
        return (node + "\r\n").getBytes(StandardCharsets.UTF_8);
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
