package io.varve.core.commit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AskingTest {
    private static final DriveId DRIVE = new DriveId("a");
    private static final Asking.Question QUESTION =
            new Asking.Question(DRIVE, new UnitId(new SyncPointId("s"), Optional.of(DRIVE)));

    @Test
    void shouldAskFirstAfterAWhileAndThenWithGrowingPauses() { // I12
        Asking asking = new Asking();

        List<Integer> asked = new ArrayList<>();
        for (int second = 100; second < 400; second++) {
            if (!asking.due(Set.of(QUESTION), nanos(second)).isEmpty()) {
                asked.add(second - 100);
            }
        }

        assertEquals(List.of(5, 15, 35, 75, 135, 195, 255), asked);
    }

    @Test
    void shouldForgetWhatIsDecided() {
        Asking asking = new Asking();

        asking.due(Set.of(QUESTION), nanos(0));
        asking.due(Set.of(), nanos(4));
        Set<Asking.Question> due = asking.due(Set.of(QUESTION), nanos(6));

        assertEquals(Set.of(), due);
    }

    private static long nanos(long seconds) {
        return seconds * 1_000_000_000;
    }
}
