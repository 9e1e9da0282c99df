package io.varve.core.fold;

import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Sealed generations that no bitmap refers to go at once. */
// I10
final class Unreferred {
    private Unreferred() {}

    /** The state without them; a {@link Effect.Drop} for each is added to {@code effects}. */
    static DriveState dropped(DriveState state, List<Effect> effects) {
        SortedMap<Long, Generation> retained = new TreeMap<>(state.generations());
        retained.values().removeIf(g -> g.seal().isPresent() && !state.isReferred(g.number()));
        if (retained.size() == state.generations().size()) {
            return state;
        }
        state.generations().keySet().stream()
                .filter(number -> !retained.containsKey(number))
                .forEach(number -> effects.add(new Effect.Drop(number)));
        return state.withGenerations(retained);
    }
}
