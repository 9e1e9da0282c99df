package io.varve.streams.unit;

import io.varve.core.bits.PackedMarks;
import io.varve.core.commit.Part;
import io.varve.core.commit.UnitState;
import io.varve.core.id.DriveId;
import io.varve.schemas.VarveSerdes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The units' states, and apart from them their cuts, so that the state of a unit of many drives stays small. A cut that
 * is missing does no harm: the worker then takes it from the snapshot's export and checks its digest.
 */
final class UnitStores {
    /** Unit → its state. */
    private static final String UNITS = "units";

    /** Unit / drive → the drive's cut. */
    private static final String CUTS = "cuts";

    private final KeyValueStore<String, UnitState> units;
    private final KeyValueStore<String, PackedMarks> cuts;

    UnitStores(ProcessorContext<String, UnitOutput> context) {
        units = context.getStateStore(UNITS);
        cuts = context.getStateStore(CUTS);
    }

    static Set<StoreBuilder<?>> builders(VarveSerdes serdes) {
        StoreBuilder<KeyValueStore<String, UnitState>> units = Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(UNITS), Serdes.String(), serdes.unitStates());
        StoreBuilder<KeyValueStore<String, PackedMarks>> cuts = Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(CUTS), Serdes.String(), serdes.packedMarks());
        return Set.of(units, cuts);
    }

    Optional<UnitState> state(String unit) {
        return Optional.ofNullable(units.get(unit));
    }

    void put(String unit, UnitState state) {
        units.put(unit, state);
        if (state instanceof UnitState.Decided) {
            forgetCuts(unit);
        }
    }

    /** The units whose decision isn't known yet. */
    List<String> undecided() {
        List<String> undecided = new ArrayList<>();
        try (KeyValueIterator<String, UnitState> all = units.all()) {
            all.forEachRemaining(entry -> {
                if (!(entry.value instanceof UnitState.Decided)) {
                    undecided.add(entry.key);
                }
            });
        }
        return undecided;
    }

    /** Puts the part's cut away. */
    Part withoutCut(String unit, Part part) {
        part.cut().ifPresent(cut -> cuts.put(key(unit, part.drive()), cut));
        return new Part(part.drive(), part.journal(), part.mark(), Optional.empty());
    }

    /** The part with the cut that was put away, if there is one. */
    Part withCut(String unit, Part part) {
        return new Part(
                part.drive(), part.journal(), part.mark(), Optional.ofNullable(cuts.get(key(unit, part.drive()))));
    }

    private void forgetCuts(String unit) {
        List<String> keys = new ArrayList<>();
        try (KeyValueIterator<String, PackedMarks> all = cuts.range(unit + "/", unit + "0")) {
            all.forEachRemaining(entry -> keys.add(entry.key));
        }
        keys.forEach(cuts::delete);
    }

    private static String key(String unit, DriveId drive) {
        return unit + "/" + drive;
    }
}
