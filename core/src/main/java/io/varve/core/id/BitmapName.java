package io.varve.core.id;

import java.nio.charset.StandardCharsets;

/** A dirty bitmap's name, unique on its node: 1 to 1023 bytes of UTF-8 (QEMU's BDRV_BITMAP_MAX_NAME_SIZE). */
public record BitmapName(String value) implements Comparable<BitmapName> {
    public static final int MAX_BYTES = 1023;

    public BitmapName {
        if (!isValid(value)) {
            throw new IllegalArgumentException("a bitmap's name has 1 to " + MAX_BYTES + " bytes, not "
                    + value.getBytes(StandardCharsets.UTF_8).length);
        }
    }

    public static boolean isValid(String value) {
        int lengthBytes = value.getBytes(StandardCharsets.UTF_8).length;
        return lengthBytes >= 1 && lengthBytes <= MAX_BYTES;
    }

    @Override
    public int compareTo(BitmapName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
