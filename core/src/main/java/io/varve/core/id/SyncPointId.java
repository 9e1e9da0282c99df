package io.varve.core.id;

/** A sync point's name, a part of object keys; a chain is named by the sync point of its full backup. */
public record SyncPointId(String value) implements Comparable<SyncPointId> {
    public SyncPointId {
        if (!isValid(value)) {
            throw new IllegalArgumentException(
                    "'" + value + "' can't name a sync point: expected 1 to 63 of the characters a-z, 0-9 and '-'");
        }
    }

    public static boolean isValid(String value) {
        return DriveId.KEY_SAFE.matcher(value).matches();
    }

    @Override
    public int compareTo(SyncPointId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
