package io.varve.simulator;

import io.varve.archive.store.MultipartUpload;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectPage;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.ObjectSummary;
import io.varve.archive.store.PutResult;
import io.varve.archive.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * A bucket in memory. While faults are on it fails before it acts, or after, and now and then claims to have put what
 * it lost; but what it once showed it keeps, and a conditional put is one.
 */
final class MemoryStore implements ObjectStore {
    private static final String DECISIONS = "sync-points/";

    private final World world;
    private final TreeMap<String, byte[]> objects = new TreeMap<>();
    private boolean isHonest;

    MemoryStore(World world) {
        this.world = world;
    }

    /** Without faults: for those who look on. */
    <T> T honestly(Question<T> question) {
        boolean before = isHonest;
        isHonest = true;
        try {
            return question.ask(this);
        } catch (IOException e) {
            throw new Violation("I7", "what is committed can't be read: " + e.getMessage());
        } finally {
            isHonest = before;
        }
    }

    /** What is asked of the store. */
    interface Question<T> {
        T ask(ObjectStore store) throws IOException;
    }

    private void maybeFail(String when) throws StoreException {
        if (!isHonest && world.faults().storeFails()) {
            throw new StoreException(StoreException.Category.UNAVAILABLE, "the store failed " + when);
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    @Override
    public void put(ObjectKey key, ByteBuffer bytes) throws IOException {
        maybeFail("before it put " + key);
        if (isHonest || key.value().startsWith(DECISIONS) || !world.faults().storeLies()) {
            byte[] before = objects.put(key.value(), bytes(bytes));
            if (before != null && !Arrays.equals(before, objects.get(key.value()))) {
                world.oracle().replaced(key.value());
            }
        }
        maybeFail("after it put " + key);
    }

    @Override
    public PutResult putIfAbsent(ObjectKey key, ByteBuffer bytes) throws IOException {
        maybeFail("before it put " + key);
        boolean isThere = objects.containsKey(key.value());
        if (!isThere) {
            if (key.value().startsWith(DECISIONS) || !world.faults().storeLies()) {
                objects.put(key.value(), bytes(bytes));
            }
            maybeFail("after it put " + key);
        }
        return isThere ? new PutResult.Exists() : new PutResult.Created();
    }

    @Override
    public Optional<byte[]> get(ObjectKey key, int limitBytes) throws IOException {
        maybeFail("to get " + key);
        return Optional.ofNullable(objects.get(key.value())).map(byte[]::clone);
    }

    @Override
    public void read(ObjectKey key, long offsetBytes, ByteBuffer target) throws IOException {
        maybeFail("to read " + key);
        byte[] bytes = objects.get(key.value());
        if (bytes == null || offsetBytes + target.remaining() > bytes.length) {
            throw new StoreException(StoreException.Category.MISSING, "'" + key + "' isn't there, or is too short");
        }
        target.duplicate().put(bytes, (int) offsetBytes, target.remaining());
    }

    @Override
    public Optional<ObjectSummary> head(ObjectKey key) throws IOException {
        maybeFail("to look for " + key);
        return Optional.ofNullable(objects.get(key.value())).map(bytes -> new ObjectSummary(key, bytes.length));
    }

    @Override
    public ObjectPage list(String prefix, Optional<ObjectKey> after) throws IOException {
        maybeFail("to list");
        List<ObjectSummary> found = objects.entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(prefix))
                .map(entry -> new ObjectSummary(new ObjectKey(entry.getKey()), entry.getValue().length))
                .toList();
        return new ObjectPage(found, Optional.empty());
    }

    /** What a collector removes, which no part of the shipped store can. */
    void collect(Predicate<String> isCollected) {
        objects.keySet().removeIf(isCollected);
    }

    @Override
    public MultipartUpload begin(ObjectKey key) throws IOException {
        throw new StoreException(StoreException.Category.REFUSED, "the simulator puts whole objects, not " + key);
    }

    @Override
    public String describe() {
        return "memory";
    }

    @Override
    public void close() {}
}
