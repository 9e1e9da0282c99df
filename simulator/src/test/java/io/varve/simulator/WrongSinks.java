package io.varve.simulator;

import io.varve.archive.store.MultipartUpload;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectPage;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.ObjectSummary;
import io.varve.archive.store.PutResult;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** Sabotage of what sinks, and a collector, do with the store. */
final class WrongSinks {
    private WrongSinks() {}

    record ManifestFirst() implements Rules {
        @Override
        public boolean dataBeforeManifest() {
            return false;
        }
    }

    record ResumesOthers() implements Rules {
        @Override
        public Set<Faults.Kind> emphasis() {
            return EnumSet.of(Faults.Kind.SINK_KILL, Faults.Kind.STORE_FAILS);
        }

        @Override
        public boolean uploadsAlone() {
            return false;
        }
    }

    record CollectsTheLiving() implements Rules {
        @Override
        public Set<Faults.Kind> emphasis() {
            return EnumSet.of(Faults.Kind.COLLECTOR, Faults.Kind.SINK_KILL);
        }

        @Override
        public boolean sparesLiveAttempts() {
            return false;
        }
    }

    /** Decisions are put without a condition. */
    record PlainPut() implements Rules {
        @Override
        public Set<Faults.Kind> emphasis() {
            return EnumSet.of(Faults.Kind.STREAMS_KILL, Faults.Kind.SINK_KILL);
        }

        @Override
        public ObjectStore forDecisions(ObjectStore store) {
            return new Unconditional(store);
        }
    }

    private record Unconditional(ObjectStore store) implements ObjectStore {
        @Override
        public PutResult putIfAbsent(ObjectKey key, ByteBuffer bytes) throws IOException {
            store.put(key, bytes);
            return new PutResult.Created();
        }

        @Override
        public void put(ObjectKey key, ByteBuffer bytes) throws IOException {
            store.put(key, bytes);
        }

        @Override
        public Optional<byte[]> get(ObjectKey key, int limitBytes) throws IOException {
            return store.get(key, limitBytes);
        }

        @Override
        public void read(ObjectKey key, long offsetBytes, ByteBuffer target) throws IOException {
            store.read(key, offsetBytes, target);
        }

        @Override
        public Optional<ObjectSummary> head(ObjectKey key) throws IOException {
            return store.head(key);
        }

        @Override
        public ObjectPage list(String prefix, Optional<ObjectKey> after) throws IOException {
            return store.list(prefix, after);
        }

        @Override
        public MultipartUpload begin(ObjectKey key) throws IOException {
            return store.begin(key);
        }

        @Override
        public String describe() {
            return store.describe();
        }

        @Override
        public void close() {}
    }
}
