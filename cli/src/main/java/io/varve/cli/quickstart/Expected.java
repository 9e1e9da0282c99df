package io.varve.cli.quickstart;

import java.util.List;
import java.util.Map;

/** What a restored sync point must show. */
sealed interface Expected {
    /** Exactly what the writers remembered while they paused for the cut; by drive. */
    record Remembered(Map<String, DriveModel> models) implements Expected {
        public Remembered {
            models = Map.copyOf(models);
        }
    }

    /** A state that the drives had between the request of the cut and its answer; the writers didn't pause. */
    record Legal(List<WriteHistory> histories, long askedNanos, long answeredNanos) implements Expected {
        public Legal {
            histories = List.copyOf(histories);
        }
    }
}
