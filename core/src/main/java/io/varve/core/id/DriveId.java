package io.varve.core.id;

import java.util.regex.Pattern;

/** A drive's name, which is also its node name, its NBD export's name and a part of object keys. */
public record DriveId(String value) implements Comparable<DriveId> {
    static final Pattern KEY_SAFE = Pattern.compile("[a-z0-9-]{1,63}");

    public DriveId {
        if (!isValid(value)) {
            throw new IllegalArgumentException(
                    "'" + value + "' can't name a drive: expected 1 to 63 of the characters a-z, 0-9 and '-'");
        }
    }

    public static boolean isValid(String value) {
        return KEY_SAFE.matcher(value).matches();
    }

    @Override
    public int compareTo(DriveId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
