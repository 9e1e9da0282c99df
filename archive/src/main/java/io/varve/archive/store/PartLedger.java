package io.varve.archive.store;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Which parts of an upload are stored, with what each store needs to know of a part ({@code H}, its handle). Safe for
 * any thread.
 */
final class PartLedger<H> {
    private record Entry<H>(StoredPart part, H handle) {}

    private final ObjectKey key;
    private final ConcurrentSkipListMap<Integer, Entry<H>> entries = new ConcurrentSkipListMap<>();

    PartLedger(ObjectKey key) {
        this.key = key;
    }

    /** Refuses a part that can't be stored under this number. */
    void checkNumber(int number) {
        if (number < 1 || number > MultipartUpload.MAX_PARTS) {
            throw new IllegalArgumentException(
                    "part " + number + " of '" + key + "': expected 1 to " + MultipartUpload.MAX_PARTS);
        }
        if (entries.containsKey(number)) {
            throw new IllegalStateException("part " + number + " of '" + key + "' is stored already");
        }
    }

    void stored(int number, StoredPart part, H handle) {
        if (entries.putIfAbsent(number, new Entry<>(part, handle)) != null) {
            throw new IllegalStateException("part " + number + " of '" + key + "' was stored twice");
        }
    }

    /** The parts' digests, once it's sure that none is missing or too short. */
    StoredParts whole() {
        if (entries.isEmpty() || entries.lastKey() != entries.size()) {
            throw new IllegalStateException("'" + key + "' has parts " + entries.keySet() + ": one is missing");
        }
        List<StoredPart> parts = new ArrayList<>(entries.size());
        for (Map.Entry<Integer, Entry<H>> entry : entries.entrySet()) {
            StoredPart part = entry.getValue().part();
            if (part.lengthBytes() < MultipartUpload.MIN_PART_BYTES && entry.getKey() < entries.size()) {
                throw new IllegalStateException("part " + entry.getKey() + " of '" + key + "' has " + part.lengthBytes()
                        + " bytes; expected at least " + MultipartUpload.MIN_PART_BYTES);
            }
            parts.add(part);
        }
        return new StoredParts(parts);
    }

    /** The handles in the parts' order. */
    List<H> handles() {
        return entries.values().stream().map(Entry::handle).toList();
    }
}
