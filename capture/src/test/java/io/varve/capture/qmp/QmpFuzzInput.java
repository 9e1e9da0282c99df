package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a client might send: good commands, commands with anything changed, JSON that's no command, and no JSON.
 *
 * <p>A text where a path belongs is never one that could be made, whatever else is changed.
 */
final class QmpFuzzInput {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final String NO_PATH = "/proc/0/x";
    private static final List<String> PATHS = List.of("target", "filename", "path", "snapshot-file", "file", "image");
    private static final List<String> TEXTS =
            List.of("", "drive0", "drive1", "b", "c", "zz", "full", "qcow2", "ä\u0000\uD83D\uDE00", "null", "1", "on");
    private static final List<String> NUMBERS = List.of(
            "0",
            "-1",
            "1",
            "512",
            "65536",
            "1.5",
            "1e400",
            "-0",
            "4294967296",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            "123456789012345678901234567890",
            "1e-999");

    /** Good commands, {@code @} is a folder; those without a path may have any byte changed, too. */
    private static final List<String> COMMANDS = List.of(
            "{'execute':'block-dirty-bitmap-add','arguments':{'node':'drive0','name':'b','granularity':65536}}",
            "{'execute':'block-dirty-bitmap-add','arguments':{'node':'drive1','name':'c','disabled':true}}",
            "{'execute':'block-dirty-bitmap-remove','arguments':{'node':'drive0','name':'b'}}",
            "{'execute':'block-dirty-bitmap-clear','arguments':{'node':'drive0','name':'b'}}",
            "{'execute':'block-dirty-bitmap-enable','arguments':{'node':'drive1','name':'c'}}",
            "{'execute':'block-dirty-bitmap-merge','arguments':{'node':'drive0','target':'b','bitmaps':['b',"
                    + "{'node':'drive1','name':'c'}]}}",
            "{'execute':'transaction','arguments':{'actions':[{'type':'block-dirty-bitmap-add','data':{'node':'drive0',"
                    + "'name':'t'}},{'type':'abort','data':{}}],'properties':{'completion-mode':'grouped'}}}",
            "{'execute':'query-block','id':{'a':[1,null,'x']}}",
            "{'execute':'query-named-block-nodes','arguments':{'flat':true}}",
            "{'execute':'query-block-jobs'}",
            "{'execute':'query-commands','id':7}",
            "{'execute':'block-job-cancel','arguments':{'device':'drive0','force':true}}",
            "{'execute':'human-monitor-command','arguments':{'command-line':'qemu-io drive0 \\\"write 0 64k\\\"'}}",
            "{'execute':'human-monitor-command','arguments':{'command-line':'info block'}}",
            "{'execute':'x-varve-backup-status','arguments':{'sync-point':'x'}}",
            "{'execute':'blockdev-add','arguments':{'driver':'null-co','node-name':'n','size':1048576}}",
            "{'execute':'blockdev-del','arguments':{'node-name':'n'}}",
            "{'execute':'blockdev-backup','arguments':{'device':'drive0','target':'n','sync':'full','job-id':'j'}}",
            "{'execute':'drive-backup','arguments':{'device':'drive1','sync':'full','format':'raw','target':'@/t'}}",
            "{'execute':'drive-backup','arguments':{'device':'drive0','sync':'incremental','bitmap':'b',"
                    + "'mode':'existing','target':'/proc/0/x','x-perf':{'max-workers':1}}}",
            "{'execute':'blockdev-add','arguments':{'driver':'qcow2','node-name':'n','file':{'driver':'blkdebug',"
                    + "'image':{'driver':'file','filename':'/proc/0/x'},'inject-error':[{'event':'l2_load'}]}}}",
            "{'execute':'blockdev-reopen','arguments':{'options':[{'driver':'null-co','node-name':'n'}]}}");

    private final SplittableRandom random;
    private final List<byte[]> good = new ArrayList<>();
    private final List<byte[]> changeable = new ArrayList<>();

    QmpFuzzInput(SplittableRandom random, Path folder) {
        this.random = random;
        for (String command : COMMANDS) {
            byte[] bytes = command.replace("@", folder.toString()).getBytes(StandardCharsets.UTF_8);
            good.add(bytes);
            if (!command.contains("backup'") && !command.contains("proc")) {
                changeable.add(bytes);
            }
        }
    }

    byte[] next() {
        int kind = random.nextInt(1000);
        if (kind < 30) {
            return any(good);
        } else if (kind < 600) {
            return changedBytes(any(changeable).clone());
        } else if (kind < 720) {
            return text(changed(parse(any(good)), ""));
        } else if (kind < 900) {
            return text(json(random.nextInt(6)));
        } else if (kind < 960) {
            return bytes();
        }
        return kind < 999 ? odd() : huge();
    }

    private byte[] any(List<byte[]> list) {
        return list.get(random.nextInt(list.size()));
    }

    private static JsonNode parse(byte[] command) {
        try {
            return MAPPER.readTree(new String(command, StandardCharsets.UTF_8).replace('\'', '"'));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] text(JsonNode json) {
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private byte[] changedBytes(byte[] bytes) {
        for (int change = 1 + random.nextInt(3); change > 0; change--) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(3)) {
                case 0 -> bytes[at] = (byte) random.nextInt(256);
                case 1 -> bytes[at] = (byte) "{}[],:'\"\\0".charAt(random.nextInt(10));
                default -> {
                    int from = random.nextInt(bytes.length);
                    int length = Math.min(bytes.length - from, bytes.length - at);
                    System.arraycopy(bytes.clone(), from, bytes, at, length);
                }
            }
        }
        return bytes;
    }

    /** Changes some of the values, and drops or adds some. */
    private JsonNode changed(JsonNode json, String name) {
        if (random.nextInt(5) == 0 && !name.isEmpty()) {
            JsonNode other = json(2);
            return PATHS.contains(name) && other.isTextual() ? NODES.textNode(NO_PATH) : other;
        }
        if (json instanceof ObjectNode object) {
            ObjectNode copy = NODES.objectNode();
            for (var member : object.properties()) {
                if (random.nextInt(16) > 0) {
                    copy.set(member.getKey(), changed(member.getValue(), member.getKey()));
                }
            }
            if (random.nextInt(16) == 0) {
                copy.set(TEXTS.get(random.nextInt(TEXTS.size())), json(1));
            }
            return copy;
        }
        if (json instanceof ArrayNode array) {
            ArrayNode copy = NODES.arrayNode();
            array.forEach(element -> copy.add(changed(element, name)));
            return copy;
        }
        return json;
    }

    private JsonNode json(int depth) {
        return switch (random.nextInt(depth > 0 ? 7 : 5)) {
            case 0 -> NODES.nullNode();
            case 1 -> NODES.booleanNode(random.nextBoolean());
            case 2 -> NODES.rawValueNode(new RawValue(number()));
            case 3, 4 -> NODES.textNode(TEXTS.get(random.nextInt(TEXTS.size())));
            case 5 -> {
                ArrayNode array = NODES.arrayNode();
                for (int count = random.nextInt(4); count > 0; count--) {
                    array.add(json(depth - 1));
                }
                yield array;
            }
            default -> {
                ObjectNode object = NODES.objectNode();
                for (int count = random.nextInt(4); count > 0; count--) {
                    object.set(TEXTS.get(random.nextInt(TEXTS.size())), json(depth - 1));
                }
                yield object;
            }
        };
    }

    private String number() {
        return NUMBERS.get(random.nextInt(NUMBERS.size()));
    }

    private byte[] bytes() {
        byte[] bytes = new byte[1 + random.nextInt(64)];
        random.nextBytes(bytes);
        return bytes;
    }

    private byte[] odd() {
        String text = switch (random.nextInt(8)) {
            case 0 -> "[".repeat(1 + random.nextInt(200)) + "]".repeat(random.nextInt(200));
            case 1 -> "{'a':".repeat(1 + random.nextInt(100));
            case 2 -> "{'execute':'query-name','id':" + "9".repeat(1 + random.nextInt(5000)) + "}";
            case 3 ->
                "{'execute':'query-name','id':'\\ud8" + random.nextInt(10) + "0\\u" + random.nextInt(10000) + "'}";
            case 4 -> "{'execute':'query-name'}\r\n".repeat(1 + random.nextInt(5));
            case 5 -> "{'execute':\n\n'query-name'\t,'id'\r\n:" + number() + "}";
            case 6 -> "[" + "1,".repeat(random.nextInt(12_000)) + "1]";
            default -> "\"" + "x".repeat(random.nextInt(3000)) + "\\";
        };
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (random.nextBoolean()) {
            // Broken UTF-8, cut in two or in the wrong place.
            bytes[random.nextInt(bytes.length)] = (byte) (0x80 + random.nextInt(128));
        }
        return bytes;
    }

    /** Beyond a limit. */
    private byte[] huge() {
        String filling = "y".repeat(random.nextInt(2 << 20));
        return ("{'execute':'query-name','id':'" + filling + "'}").getBytes(StandardCharsets.UTF_8);
    }
}
