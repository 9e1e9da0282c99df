package io.varve.core.fold;

import io.varve.core.drive.DriveState;
import java.util.List;
import java.util.Optional;

/**
 * What one record made of a state.
 *
 * @param state empty while the drive's first attach hasn't been seen
 * @param effects in the order in which they are to be performed
 */
public record Step(Optional<DriveState> state, List<Effect> effects) {
    public Step {
        effects = List.copyOf(effects);
    }

    static Step of(DriveState state, Effect... effects) {
        return new Step(Optional.of(state), List.of(effects));
    }
}
