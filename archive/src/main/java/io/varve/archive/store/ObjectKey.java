package io.varve.archive.store;

import java.util.regex.Pattern;

/**
 * An object's name below the store's root: parts of {@code [a-z0-9.-]} joined by '/', none empty, none starting with a
 * dot, so that no key leaves the root or hides in it.
 */
public record ObjectKey(String value) implements Comparable<ObjectKey> {
    private static final Pattern VALID = Pattern.compile("[a-z0-9-][a-z0-9.-]*(/[a-z0-9-][a-z0-9.-]*)*");

    /** S3's bound is 1,024 bytes with the prefix; this leaves room for that. */
    private static final int MAX_LENGTH = 512;

    public ObjectKey {
        if (!isValid(value)) {
            throw new IllegalArgumentException("'" + value + "' isn't an object key: expected up to " + MAX_LENGTH
                    + " of a-z, 0-9, '-', '.' in parts joined by '/'");
        }
    }

    public static boolean isValid(String value) {
        return value.length() <= MAX_LENGTH && VALID.matcher(value).matches();
    }

    @Override
    public int compareTo(ObjectKey other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
