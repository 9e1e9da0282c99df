package io.varve.capture.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** What a client might send: a conversation that makes sense, or nearly, with some of its bytes changed. */
final class FuzzInput {
    private static final int BYTES_MAX = 1 << 18;
    private static final int[] EDGES = {0, 1, 511, 512, 4096, 65535, 65536, 1 << 18, 1 << 25, Integer.MAX_VALUE, -1};
    private static final int[] OPTIONS = {3, 5, 6, 8, 8, 9, 10, 10, 11, 12, 99, -1};
    private static final int[] COMMANDS = {0, 0, 1, 1, 3, 4, 5, 6, 7, 7, 8};
    private static final int[] LAST_OPTIONS = {1, 2, 7, 7, 7, 7, 7, 7, 7, 7};
    private static final List<String> NAMES = List.of("", "other", "ü", "drive", "drive00");
    private static final List<String> QUERIES =
            List.of("base:allocation", "qemu:dirty-bitmap:b", "base:", "qemu:", ":", "x");

    private final SplittableRandom random;
    private final ByteBuffer out = ByteBuffer.allocate(2 * BYTES_MAX);
    private boolean extended;

    private FuzzInput(SplittableRandom random) {
        this.random = random;
    }

    static byte[] of(SplittableRandom random) {
        FuzzInput input = new FuzzInput(random);
        if (random.nextInt(10) == 0) {
            input.garbage(random.nextInt(2000));
        } else {
            input.conversation();
        }
        return input.mutilated();
    }

    private void conversation() {
        out.putInt(random.nextInt(40) == 0 ? random.nextInt() : 3);
        for (int count = random.nextInt(6); count > 0; count--) {
            option(OPTIONS[random.nextInt(OPTIONS.length)]);
        }
        option(LAST_OPTIONS[random.nextInt(LAST_OPTIONS.length)]);
        for (int count = random.nextInt(24); count > 0 && out.position() < BYTES_MAX; count--) {
            request();
        }
    }

    private void option(int code) {
        extended |= code == 11;
        out.putLong(0x49484156454f5054L).putInt(code);
        int lengthAt = out.position();
        out.putInt(0);
        int start = out.position();
        switch (code) {
            case 1 -> out.put(name().getBytes(StandardCharsets.UTF_8));
            case 6, 7 -> {
                text(name());
                int infos = random.nextInt(4);
                out.putShort((short) infos);
                for (int i = 0; i < infos; i++) {
                    out.putShort((short) random.nextInt(5));
                }
            }
            case 9, 10 -> {
                text(name());
                int queries = random.nextInt(4);
                out.putInt(queries);
                for (int i = 0; i < queries; i++) {
                    text(QUERIES.get(random.nextInt(QUERIES.size())));
                }
            }
            default -> garbage(random.nextInt(16) == 0 ? random.nextInt(40) : 0);
        }
        out.putInt(lengthAt, out.position() - start);
    }

    private void request() {
        int command = random.nextInt(30) == 0 ? random.nextInt(1 << 16) : COMMANDS[random.nextInt(COMMANDS.length)];
        int flags = random.nextInt(4) == 0 ? random.nextInt(64) : 0;
        long lengthBytes = length();
        out.putInt(extended ? 0x21e41c71 : 0x25609513).putShort((short) flags).putShort((short) command);
        out.putLong(random.nextLong()).putLong(random.nextInt(8) == 0 ? random.nextLong() : random.nextInt(1 << 18));
        if (extended) {
            out.putLong(lengthBytes);
        } else {
            out.putInt((int) lengthBytes);
        }
        boolean payload = command == 1 || (extended && (flags & 0x20) != 0);
        if (payload && lengthBytes >= 0 && lengthBytes <= 65536 && out.remaining() > BYTES_MAX) {
            garbage((int) lengthBytes);
        }
    }

    private long length() {
        return switch (random.nextInt(16)) {
            case 0 -> EDGES[random.nextInt(EDGES.length)];
            case 1 -> random.nextLong();
            case 2 -> 8 + 4L * random.nextInt(20);
            default -> random.nextInt(1 << random.nextInt(1, 17));
        };
    }

    private String name() {
        return random.nextInt(12) == 0 ? NAMES.get(random.nextInt(NAMES.size())) : "drive0";
    }

    private void text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.putInt(bytes.length).put(bytes);
    }

    private void garbage(int lengthBytes) {
        for (int i = 0; i < lengthBytes; i++) {
            out.put((byte) (i % 16 == 0 ? random.nextInt() : i));
        }
    }

    private byte[] mutilated() {
        int lengthBytes = out.position();
        if (lengthBytes > 0 && random.nextInt(4) == 0) {
            for (int count = 1 + random.nextInt(6); count > 0; count--) {
                out.put(random.nextInt(lengthBytes), (byte) random.nextInt());
            }
        }
        if (lengthBytes > 0 && random.nextInt(4) == 0) {
            lengthBytes = random.nextInt(lengthBytes);
        }
        return Arrays.copyOf(out.array(), lengthBytes);
    }
}
