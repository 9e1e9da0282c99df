package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A stream of JSON as QEMU 7.2.22 took it when it was asked the same. */
class JsonStreamTest {
    @Test
    void shouldTakeTexts() {
        assertTexts("{} {}", "{}", "{}");
        assertTexts("{'a':\r\n[1,\ttrue , null]}", "{\"a\":[1,true,null]}");
        assertTexts("1 \"x\" 'y'null 1.5 ", "1", "\"x\"", "\"y\"", "null", "1.5");
        assertTexts("-0 18446744073709551615 ", "0", "18446744073709551615");
        assertTexts("\"\\u00e4\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "\"ä/\\b\\f\\n\\r\\t\\\"\\\\\"");
        assertTexts("'\\ud83d\\ude00'", "\"😀\"");
        assertTexts("\"a'b\" 'a\"b'", "\"a'b\"", "\"a\\\"b\"");
    }

    @Test
    void shouldTakeNumbersBeyondSixtyFourBitsAsFractions() {
        assertTexts("18446744073709551616 ", "1.8446744073709552E19");
        assertTexts("-9223372036854775809 ", "-9.223372036854776E18");
    }

    @Test
    void shouldComplainAsQemuDoes() {
        Map<String, String> complaints = Map.ofEntries(
                Map.entry("garbage\n", "invalid keyword 'garbage'"),
                Map.entry("}", "expecting value"),
                Map.entry("{]", "expecting value"),
                Map.entry("\"unended\n", "stray '\"unended\n'"),
                Map.entry("{\"a\":1,}", "expecting value"),
                Map.entry("{\"a\" 1}", "missing : in object pair"),
                Map.entry("{\"a\":1,\"a\":2}", "duplicate key"),
                Map.entry("{\"a\":\"b\" \"c\"}", "expected separator in dict"),
                Map.entry("[1 2]", "expected separator in list"),
                Map.entry("{1:2}", "key is not a string in object"),
                Map.entry("{\"a\":1e}", "stray '1e}'"),
                Map.entry("TRUE\n", "stray 'T'"),
                Map.entry("+1\n", "stray '+'"),
                Map.entry("01\n", "stray '01'"),
                Map.entry("1.\n", "stray '1.\n'"),
                Map.entry("#\n", "stray '#'"),
                Map.entry("{\"a\":\"\\x\"}", "invalid escape sequence in string"),
                Map.entry("{\"a\":\"\\u12\"}", "\\u12\" is not a valid Unicode character"),
                Map.entry("{\"a\":\"\\ud800\"}", "\\ud800 is not a valid Unicode character"),
                Map.entry("\"\uFFFF\"", "invalid UTF-8 sequence in string"));
        complaints.forEach((input, complaint) -> {
            List<JsonStream.Text> texts = new JsonStream().take(bytes(input));
            assertEquals(List.of(new JsonStream.Text.Broken("JSON parse error, " + complaint)), texts, input);
        });
    }

    @Test
    void shouldGoOnBehindWhatIsStray() {
        // It skips to the structural character, which ends a text that never began.
        assertEquals(
                "[stray ';', expecting value, {}]",
                new JsonStream()
                        .take(bytes("{\"a\":1; and more}{}")).stream()
                                .map(JsonStreamTest::told)
                                .toList()
                                .toString());
        JsonStream stream = new JsonStream();
        assertTrue(stream.take(bytes("{\"a\": [\"in the middle")).isEmpty());
        assertEquals(1, stream.take(ByteBuffer.wrap(new byte[] {(byte) 0xff})).size());
        assertEquals(
                List.of("{}"),
                stream.take(bytes("{}")).stream().map(JsonStreamTest::told).toList());
    }

    @Test
    void shouldRefuseOnceWhatIsTooLong() {
        JsonStream stream = new JsonStream();
        String tooLong = "{\"id\": \"" + "a".repeat(2 << 20) + "\"}";

        List<String> told = stream.take(bytes(tooLong + "\n{}")).stream()
                .map(JsonStreamTest::told)
                .toList();

        assertTrue(told.getFirst().startsWith("JSON token size limit exceeded"), told::toString);
        assertEquals("{}", told.getLast());
        assertTrue(told.size() <= 3, told::toString);
    }

    private static void assertTexts(String input, String... expected) {
        // Whole, and byte by byte.
        assertEquals(
                List.of(expected),
                new JsonStream()
                        .take(bytes(input)).stream().map(JsonStreamTest::told).toList());
        JsonStream stream = new JsonStream();
        StringBuilder told = new StringBuilder();
        for (byte each : input.getBytes(StandardCharsets.UTF_8)) {
            stream.take(ByteBuffer.wrap(new byte[] {each})).forEach(text -> told.append(told(text)));
        }
        assertEquals(String.join("", expected), told.toString());
    }

    private static String told(JsonStream.Text text) {
        return switch (text) {
            case JsonStream.Text.Value(var node) -> node.toString();
            case JsonStream.Text.Broken(String reason) -> reason.replace("JSON parse error, ", "");
        };
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
