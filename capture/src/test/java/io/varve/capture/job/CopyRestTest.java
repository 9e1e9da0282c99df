package io.varve.capture.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.Seeds;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.transfer.CopyPlan;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CopyRestTest {
    private static final int SECTOR_BYTES = 512;

    @Test
    void shouldKeepEachGranuleOfWhichAnythingWasntCopied() { // I3
        Seeds.forEach(200, random -> {
            Granularity fine = new Granularity(SECTOR_BYTES << random.nextInt(9));
            Granularity cluster = new Granularity(SECTOR_BYTES << (4 + random.nextInt(5)));
            long sizeBytes = SECTOR_BYTES * random.nextLong(1, 3000);
            Marks cut = Marks.none(fine, sizeBytes);
            for (int count = random.nextInt(30); count > 0; count--) {
                cut.mark(random.nextLong(sizeBytes), random.nextLong(1, 40_000));
            }
            boolean isWhole = random.nextBoolean();
            CopyRest rest = new CopyRest(cut, cluster);
            rest.plan(isWhole ? new CopyPlan.Whole() : new CopyPlan.Cut(cut));
            for (int count = random.nextInt(30); count > 0; count--) {
                rest.copied().mark(random.nextLong(sizeBytes), random.nextLong(1, 200_000));
            }

            assertEquals(Optional.empty(), rest.uncopied());
            rest.settle();

            Marks expected = Marks.none(fine, sizeBytes);
            for (long at = 0; at < sizeBytes; at += SECTOR_BYTES) {
                if ((isWhole || cut.contains(at)) && !rest.copied().contains(at)) {
                    expected.mark(at, 1);
                }
            }
            assertEquals(expected.extents(), rest.uncopied().orElseThrow().extents());
        });
    }
}
