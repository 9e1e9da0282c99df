package io.varve.simulator;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.id.DriveId;
import io.varve.core.reader.GenerationMarks;
import io.varve.core.reader.ReaderStores;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The streams' stores, which can be set back to how they were, each by itself, as after a kill. */
final class MemoryStores implements ReaderStores, GenerationMarks, ReaderStores.Positions {
    private Map<DriveId, DriveState> states = new TreeMap<>();
    private Map<DriveId, Map<Long, Marks>> marks = new TreeMap<>();
    private Map<String, Long> mismatches = new TreeMap<>();

    MemoryStores copy() {
        MemoryStores copy = new MemoryStores();
        copy.states.putAll(states);
        marks.forEach((drive, generations) -> {
            Map<Long, Marks> copied = new TreeMap<>();
            generations.forEach((number, each) -> copied.put(number, each.copyAt(each.granularity())));
            copy.marks.put(drive, copied);
        });
        copy.mismatches.putAll(mismatches);
        return copy;
    }

    /** After a kill each store is as it was at the commit, or newer. */
    void fallBack(MemoryStores committed, Schedule schedule) {
        MemoryStores older = committed.copy();
        if (schedule.chance(50)) {
            states = older.states;
        }
        if (schedule.chance(50)) {
            marks = older.marks;
        }
        if (schedule.chance(50)) {
            mismatches = older.mismatches;
        }
    }

    @Override
    public Optional<DriveState> state(DriveId drive) {
        return Optional.ofNullable(states.get(drive));
    }

    @Override
    public void put(DriveState state) {
        states.put(state.drive(), state);
    }

    @Override
    public GenerationMarks marks() {
        return this;
    }

    @Override
    public Positions mismatches() {
        return this;
    }

    private Map<Long, Marks> of(DriveId drive) {
        return marks.computeIfAbsent(drive, d -> new TreeMap<>());
    }

    @Override
    public void mark(DriveId drive, Generation generation, List<Extent> extents) {
        Marks known = of(drive)
                .computeIfAbsent(
                        generation.number(), n -> Marks.none(generation.granularity(), generation.sizeBytes()));
        extents.forEach(known::mark);
    }

    @Override
    public Marks load(DriveId drive, Generation generation) {
        Marks copy = Marks.none(generation.granularity(), generation.sizeBytes());
        Marks known = of(drive).get(generation.number());
        if (known != null) {
            copy.union(known);
        }
        return copy;
    }

    @Override
    public void drop(DriveId drive, long generation) {
        of(drive).remove(generation);
    }

    @Override
    public void forgetAll(DriveId drive) {
        marks.remove(drive);
    }

    @Override
    public void coalesce(DriveId drive, Collection<Generation> merged, Generation intoBefore, Generation into) {
        Marks union = load(drive, into);
        union.union(load(drive, intoBefore));
        merged.forEach(generation -> union.union(load(drive, generation)));
        merged.forEach(generation -> drop(drive, generation.number()));
        drop(drive, into.number());
        mark(drive, into, union.extents());
    }

    @Override
    public Optional<Long> get(String name) {
        return Optional.ofNullable(mismatches.get(name));
    }

    @Override
    public void put(String name, long position) {
        mismatches.put(name, position);
    }

    @Override
    public void remove(String name) {
        mismatches.remove(name);
    }

    @Override
    public List<String> names(DriveId drive) {
        return mismatches.keySet().stream()
                .filter(name -> name.startsWith(drive + "/"))
                .toList();
    }
}
