package io.varve.streams.fold;

import io.varve.core.drive.DriveState;
import io.varve.schemas.VarveSerdes;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The fold's stores. All are cached, so that their changelogs grow with what changed between commits and not with every
 * write of the guest. After a kill they may be a little apart from each other; the repeated records and the digests see
 * to it (I4).
 */
final class FoldStores {
    /** Drive → its state. */
    private static final String DRIVES = "drives";

    /** {@link PageKey} → a page of marks. */
    private static final String GENERATIONS = "generations";

    /** See {@link Mismatches}. */
    private static final String MISMATCHES = "mismatches";

    private final KeyValueStore<String, DriveState> drives;
    private final Pages pages;
    private final Mismatches mismatches;

    FoldStores(ProcessorContext<String, FoldOutput> context) {
        drives = context.getStateStore(DRIVES);
        pages = new Pages(context.getStateStore(GENERATIONS));
        mismatches = new Mismatches(context.getStateStore(MISMATCHES));
    }

    KeyValueStore<String, DriveState> drives() {
        return drives;
    }

    Pages pages() {
        return pages;
    }

    Mismatches mismatches() {
        return mismatches;
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
