package io.varve.core.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.id.IncarnationId;
import java.util.List;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class HandoverStepTest {
    private static final IncarnationId OURS = new IncarnationId(new UUID(0, 1));
    private static final IncarnationId OTHER = new IncarnationId(new UUID(0, 2));
    private static final SourceSide SERVING = new SourceSide.Serving();
    private static final SourceSide RELEASED = new SourceSide.Released(OURS);
    private static final SourceSide SILENT = new SourceSide.Silent("nobody answers");
    private static final SourceSide ABSENT = new SourceSide.Absent();
    private static final TargetSide NOT_YET = new TargetSide.Absent();
    private static final TargetSide HALF = new TargetSide.Incoming(OURS, new TreeSet<>(List.of(3L)));
    private static final TargetSide WHOLE = new TargetSide.Incoming(OURS, new TreeSet<>());
    private static final TargetSide THERE = new TargetSide.Serving(List.of(OURS, OTHER));

    @Test
    void shouldGoFromBeginToEnd() {
        assertEquals(new HandoverStep.ReleaseDrive(), HandoverStep.next(SERVING, NOT_YET));
        assertEquals(new HandoverStep.Attach(OURS), HandoverStep.next(RELEASED, NOT_YET));
        assertEquals(new HandoverStep.CarryMarks(OURS, new TreeSet<>(List.of(3L))), HandoverStep.next(RELEASED, HALF));
        assertEquals(new HandoverStep.Complete(OURS), HandoverStep.next(RELEASED, WHOLE));
        assertEquals(new HandoverStep.Forget(OURS), HandoverStep.next(RELEASED, THERE));
        assertEquals(new HandoverStep.Done(), HandoverStep.next(ABSENT, THERE));
    }

    @Test
    void shouldCompleteWithoutTheSourceOnlyWhatHasCome() { // I4
        for (SourceSide gone : List.of(SILENT, ABSENT)) {
            assertEquals(new HandoverStep.Complete(OURS), HandoverStep.next(gone, WHOLE));
            assertEquals(new HandoverStep.Done(), HandoverStep.next(gone, THERE));
            assertStops(gone, HALF, "generations [3] are missing");
        }
        assertStops(SILENT, NOT_YET, "--from-state");
        assertStops(ABSENT, NOT_YET, "neither agent has the drive");
    }

    @Test
    void shouldStopWhereTwoAgentsHaveTheDrive() { // I8
        assertStops(SERVING, HALF, "both agents");
        assertStops(SERVING, WHOLE, "both agents");
        assertStops(SERVING, THERE, "both agents");
        assertStops(new SourceSide.Released(OTHER), HALF, "both agents");
        assertStops(new SourceSide.Released(OTHER), WHOLE, "both agents");
        assertStops(new SourceSide.Released(new IncarnationId(new UUID(0, 9))), THERE, "both agents");
        assertStops(SILENT, new TargetSide.Serving(List.of(OTHER)), "of its own");
    }

    private static void assertStops(SourceSide source, TargetSide target, String reason) {
        HandoverStep.Stop stop = assertInstanceOf(HandoverStep.Stop.class, HandoverStep.next(source, target));
        assertTrue(stop.reason().contains(reason), stop.reason());
    }
}
