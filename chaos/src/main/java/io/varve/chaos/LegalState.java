package io.varve.chaos;

import io.varve.chaos.HeldWrites.Finding;
import io.varve.chaos.WriterHistory.View;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whether restored drives show one instant between the request of their cut and its answer (I6, and I5 where the drives
 * are several): of each writer's writes the first k and no other, all that had ended before the request, none that was
 * begun after the answer; and no write that was begun after one had ended that is missing.
 *
 * @param askedNanos before the request of the cut was sent
 * @param answeredNanos after its answer came, or after it was known that none would come
 */
record LegalState(long askedNanos, long answeredNanos) {
    private record Held(View view, Finding.Some writes) {}

    /**
     * Looks into them.
     *
     * @param restored the raw image of each drive
     * @return what is wrong, empty when nothing is
     */
    Optional<String> objection(List<View> histories, Map<String, Path> restored) throws IOException {
        List<Held> held = new ArrayList<>();
        for (View view : histories) {
            Path raw = restored.get(view.territory().drive());
            if (raw == null) {
                continue;
            }
            try (FileChannel channel = FileChannel.open(raw, StandardOpenOption.READ)) {
                switch (HeldWrites.in(channel, view, askedNanos, answeredNanos)) {
                    case Finding.None(String reason) -> {
                        return Optional.of(reason);
                    }
                    case Finding.Some some -> held.add(new Held(view, some));
                }
            }
        }
        return held.stream().flatMap(one -> disorder(one, held).stream()).findFirst();
    }

    /** A write that is missing, though it had ended before another one was begun that is there. */
    private static Optional<String> disorder(Held lacking, List<Held> all) {
        if (lacking.writes().most() == lacking.view().writes().size()) {
            return Optional.empty();
        }
        RecordedWrite missing = lacking.view().writes().get(lacking.writes().most());
        for (Held holding : all) {
            int count = holding.writes().least();
            if (count > 0) {
                RecordedWrite there = holding.view().writes().get(count - 1);
                if (missing.outcome().knownNanos() < there.begunNanos()) {
                    return Optional.of("version " + missing.version() + " of writer "
                            + lacking.view().territory() + " is missing, though it had ended before version "
                            + there.version() + " of writer " + holding.view().territory()
                            + " was begun, which is there");
                }
            }
        }
        return Optional.empty();
    }
}
