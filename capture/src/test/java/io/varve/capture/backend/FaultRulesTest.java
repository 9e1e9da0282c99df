package io.varve.capture.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class FaultRulesTest {
    private static final int EIO = 5;
    private static final int ENOSPC = 28;

    private static FaultRule.InjectError inject(FaultEvent event, int state, int errno, boolean once) {
        return new FaultRule.InjectError(event, state, errno, OptionalLong.empty(), once, true);
    }

    @Test
    void shouldFailAtItsEventOnly() {
        FaultRules rules = FaultRules.of(List.of(inject(FaultEvent.WRITE_AIO, 0, ENOSPC, false)));

        assertTrue(rules.on(FaultEvent.READ_AIO, 0, 512).fault().isEmpty());
        assertTrue(rules.on(FaultEvent.FLUSH_TO_DISK, 0, 0).fault().isEmpty());
        assertEquals(
                ENOSPC,
                rules.on(FaultEvent.WRITE_AIO, 0, 512).fault().orElseThrow().errno());
    }

    @Test
    void shouldFailOnceWhereThatIsAsked() {
        FaultRules rules = FaultRules.of(
                List.of(inject(FaultEvent.READ_AIO, 0, EIO, true), inject(FaultEvent.READ_AIO, 0, ENOSPC, false)));

        FaultRules.Evaluation first = rules.on(FaultEvent.READ_AIO, 0, 512);
        FaultRules.Evaluation second = first.next().on(FaultEvent.READ_AIO, 0, 512);
        FaultRules.Evaluation third = second.next().on(FaultEvent.READ_AIO, 0, 512);

        assertEquals(EIO, first.fault().orElseThrow().errno());
        assertEquals(ENOSPC, second.fault().orElseThrow().errno());
        assertEquals(ENOSPC, third.fault().orElseThrow().errno());
    }

    @Test
    void shouldFailInItsStateOnlyAndEnterItAfterTheEvent() {
        // As the manual's example: the second flush fails.
        FaultRules rules = FaultRules.of(List.of(
                new FaultRule.SetState(FaultEvent.FLUSH_TO_DISK, 1, 2),
                inject(FaultEvent.FLUSH_TO_DISK, 2, EIO, false)));

        FaultRules.Evaluation first = rules.on(FaultEvent.FLUSH_TO_DISK, 0, 0);
        FaultRules.Evaluation second = first.next().on(FaultEvent.FLUSH_TO_DISK, 0, 0);

        assertTrue(first.fault().isEmpty());
        assertEquals(2, first.next().state());
        assertEquals(EIO, second.fault().orElseThrow().errno());
    }

    @Test
    void shouldFailForRequestsThatTouchTheSectorOnly() {
        FaultRules rules = FaultRules.of(
                List.of(new FaultRule.InjectError(FaultEvent.WRITE_AIO, 0, EIO, OptionalLong.of(8), false, true)));

        assertTrue(rules.on(FaultEvent.WRITE_AIO, 0, 4096).fault().isEmpty());
        assertTrue(rules.on(FaultEvent.WRITE_AIO, 4608, 512).fault().isEmpty());
        assertTrue(rules.on(FaultEvent.WRITE_AIO, 4096, 512).fault().isPresent());
        assertTrue(rules.on(FaultEvent.WRITE_AIO, 0, 4097).fault().isPresent());
    }

    @Test
    void shouldKnowItsEventsByQemusNames() {
        assertEquals(Optional.of(FaultEvent.READ_AIO), FaultEvent.of("read_aio"));
        assertEquals(Optional.of(FaultEvent.WRITE_AIO), FaultEvent.of("write_aio"));
        assertEquals(Optional.of(FaultEvent.FLUSH_TO_DISK), FaultEvent.of("flush_to_disk"));
        assertEquals(Optional.empty(), FaultEvent.of("l2_load"));
    }

    @Test
    void shouldRefuseAnErrnoThatIsNone() {
        assertThrows(IllegalArgumentException.class, () -> inject(FaultEvent.READ_AIO, 0, 0, false));
    }
}
