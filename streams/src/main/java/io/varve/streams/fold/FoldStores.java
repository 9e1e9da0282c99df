package io.varve.streams.fold;

import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import io.varve.core.reader.FoldOutput;
import io.varve.core.reader.GenerationMarks;
import io.varve.core.reader.ReaderStores;
import io.varve.schemas.VarveSerdes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The fold's stores. All are cached, so that their changelogs grow with what changed between commits and not with every
 * write of the guest. After a kill they may be a little apart from each other; the repeated records and the digests see
 * to it (I4).
 */
final class FoldStores implements ReaderStores {
    /** Drive → its state. */
    private static final String DRIVES = "drives";

    /** {@link PageKey} → a page of marks. */
    private static final String GENERATIONS = "generations";

    /** What had another digest than its agent told → where in the log that was seen first. */
    private static final String MISMATCHES = "mismatches";

    private final KeyValueStore<String, DriveState> drives;
    private final Pages pages;
    private final MismatchPositions mismatches;

    FoldStores(ProcessorContext<String, FoldOutput> context) {
        drives = context.getStateStore(DRIVES);
        pages = new Pages(context.getStateStore(GENERATIONS));
        mismatches = new MismatchPositions(context.getStateStore(MISMATCHES));
    }

    @Override
    public Optional<DriveState> state(DriveId drive) {
        return Optional.ofNullable(drives.get(drive.value()));
    }

    @Override
    public void put(DriveState state) {
        drives.put(state.drive().value(), state);
    }

    @Override
    public GenerationMarks marks() {
        return pages;
    }

    @Override
    public Positions mismatches() {
        return mismatches;
    }

    private record MismatchPositions(KeyValueStore<String, Long> store) implements Positions {
        @Override
        public Optional<Long> get(String name) {
            return Optional.ofNullable(store.get(name));
        }

        @Override
        public void put(String name, long position) {
            store.put(name, position);
        }

        @Override
        public void remove(String name) {
            store.delete(name);
        }

        @Override
        public List<String> names(DriveId drive) {
            List<String> names = new ArrayList<>();
            // '0' follows '/'.
            try (KeyValueIterator<String, Long> all = store.range(drive + "/", drive + "0")) {
                all.forEachRemaining(entry -> names.add(entry.key));
            }
            return names;
        }
    }

    static Set<StoreBuilder<?>> builders(VarveSerdes serdes) {
        StoreBuilder<KeyValueStore<String, DriveState>> drives = Stores.keyValueStoreBuilder(
                        Stores.inMemoryKeyValueStore(DRIVES), Serdes.String(), serdes.driveStates())
                .withCachingEnabled();
        StoreBuilder<KeyValueStore<Bytes, byte[]>> generations = Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore(GENERATIONS), Serdes.Bytes(), Serdes.ByteArray())
                .withCachingEnabled();
        StoreBuilder<KeyValueStore<String, Long>> mismatches = Stores.keyValueStoreBuilder(
                        Stores.inMemoryKeyValueStore(MISMATCHES), Serdes.String(), Serdes.Long())
                .withCachingEnabled();
        return Set.of(drives, generations, mismatches);
    }
}
