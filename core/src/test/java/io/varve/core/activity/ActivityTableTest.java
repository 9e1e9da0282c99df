package io.varve.core.activity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.activity.ActivityTable.Want;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ActivityTableTest {
    private static final int SEEDS = 1_000;
    private static final int SABOTAGE_SEEDS = 1_000;

    @Test
    void shouldCoverEveryWriteAtEveryStep() { // I1, I2, reliability 6.6, 6.16
        Seeds.forEach(SEEDS, random -> new ActivityModel(random, new ActivityModel.Order()).run());
    }

    @Test
    void shouldLetNoWriteWaitForEver() { // I9
        Seeds.forEach(SEEDS, random -> {
            ActivityModel model = new ActivityModel(random, new ActivityModel.Order());
            model.run();
            model.settleDown();
        });
    }

    @Test
    void shouldNoticeMarksThatAreMadeDurableBeforeRegionsAreChosen() {
        assertFound(new ActivityModel.Order() {
            @Override
            void retire(ActivityModel model) {
                model.makeMarksDurable();
                model.pause();
                model.choose();
                model.settle();
                model.retired();
            }
        });
    }

    @Test
    void shouldNoticeRegionsThatAreRetiredUnderAWriteInFlight() {
        assertFound(new ActivityModel.Order() {
            @Override
            void retire(ActivityModel model) {
                model.choose();
                model.pause();
                model.makeMarksDurable();
                model.pause();
                model.retired();
            }
        });
    }

    @Test
    void shouldNoticeRegionsThatAreRetiredBeforeTheirMarksAreDurable() {
        assertFound(new ActivityModel.Order() {
            @Override
            void retire(ActivityModel model) {
                model.choose();
                model.settle();
                model.pause();
                model.retired();
            }
        });
    }

    @Test
    void shouldNoticeWritesThatGoOnBeforeTheirRecordIsDurable() {
        assertFound(new ActivityModel.Order() {
            @Override
            void record(ActivityModel model) {
                model.goOn();
                model.pause();
                model.makeRecordDurable();
            }
        });
    }

    private static void assertFound(ActivityModel.Order broken) {
        for (long seed = 0; seed < SABOTAGE_SEEDS; seed++) {
            ActivityModel model = new ActivityModel(new SplittableRandom(seed), broken);
            try {
                model.run();
            } catch (AssertionError e) {
                return;
            }
        }
        throw new AssertionError(SABOTAGE_SEEDS + " seeds don't show the fault");
    }

    @Test
    void shouldShareARecordAmongThoseThatWait() {
        ActivityTable table = new ActivityTable(new HotRegions(), 4);
        assertFalse(table.want(want(1, 5, 1)));
        assertFalse(table.want(want(2, 6, 2)));

        assertEquals(Optional.of(regions(5, 6, 7)), table.propose());

        assertFalse(table.want(want(3, 5, 1)), "not durable yet");
        assertEquals(List.of(want(1, 5, 1), want(2, 6, 2)), table.recorded());
        assertTrue(table.want(want(4, 7, 1)));
    }

    @Test
    void shouldKeepAsManyRegionsAsItMayWithoutRetiringAny() { // a disk as large as the log covers settles down
        ActivityTable table = new ActivityTable(new HotRegions(), 1024);
        for (int region = 0; region < 1024; region++) {
            assertFalse(table.want(want(0, region, 1)));
            assertTrue(table.propose().isPresent());
            assertEquals(1, table.recorded().size());
            assertFalse(table.isCrowded());
        }
        assertTrue(IntStream.range(0, 1024).allMatch(region -> table.want(want(1, region, 1))));
    }

    @Test
    void shouldTakeBackARegionThatIsWantedWhileItRetires() {
        HotRegions hot = new HotRegions();
        ActivityTable table = new ActivityTable(hot, 1);
        for (int region = 0; region < 30; region++) {
            assertFalse(table.want(want(0, region, 1)));
            assertTrue(table.propose().isPresent());
            assertEquals(1, table.recorded().size());
        }
        table.choose();
        table.settle(new BitSet());
        int retiring = IntStream.range(0, 30)
                .filter(region -> !hot.use(region, region))
                .findFirst()
                .orElseThrow();

        assertTrue(table.want(want(1, retiring, 1)));
        table.retired();

        assertTrue(hot.use(retiring, retiring));
        assertEquals(2, table.size());
    }

    @Test
    void shouldListALargeWriteAsOneSpan() { // I10
        ActivityTable table = new ActivityTable(new HotRegions(), 4);
        assertFalse(table.want(want(1, 0, 500_000)));

        assertEquals(Optional.of(List.of(new RegionSpan(0, 500_000))), table.propose());
    }

    @Test
    void shouldNeverFindARegionBeyondItsPagesHot() {
        HotRegions hot = new HotRegions();
        int beyond = 1 << 28;
        hot.heat(beyond);

        assertFalse(hot.use(beyond, beyond));
        assertTrue(hot.cool(beyond));
    }

    @Test
    void shouldRefuseASpanBelowZero() {
        assertThrows(IllegalArgumentException.class, () -> new RegionSpan(-1, 1));
    }

    private static Want want(int slot, int first, int count) {
        return new Want(slot, new RegionSpan(first, count), slot);
    }

    private static List<RegionSpan> regions(int... regions) {
        return IntStream.of(regions)
                .mapToObj(region -> new RegionSpan(region, 1))
                .toList();
    }
}
