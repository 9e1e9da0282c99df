package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.bits.Granularity;
import io.varve.core.cut.InFlightTable;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every order in which three writes to two drives can begin and end around one cut of both. */
class OverlapRuleTest {
    private static final int WRITES = 3;
    private static final int CUT = WRITES;
    private static final int DRIVES = 2;
    private static final int IN_FLIGHT = 64;

    /** 7 steps, of which each write has 2 in order, for each way to spread the writes over the drives. */
    private static final int CASES = 5040 / 8 * (1 << WRITES);

    private static final long GRANULE_BYTES = Granularity.DEFAULT.bytes();

    @TempDir
    Path directory;

    private final List<LiveSet> before = new ArrayList<>();
    private final List<LiveSet> after = new ArrayList<>();
    private int cases;

    @Test
    void shouldMarkAWriteInEveryGenerationThatItOverlapsInEveryOrder() throws IOException { // I1
        for (int drive = 0; drive < DRIVES; drive++) {
            before.add(set(drive, 1));
            after.add(set(drive, 2));
        }

        for (int drives = 0; drives < 1 << WRITES; drives++) {
            explore(new ArrayList<>(), drives);
        }

        assertEquals(CASES, cases);
        before.forEach(LiveSet::close);
        after.forEach(LiveSet::close);
    }

    /** @param steps a write's number for its beginning, and again for its end; {@link #CUT} for the cut */
    private void explore(List<Integer> steps, int drives) {
        if (steps.size() == 2 * WRITES + 1) {
            run(steps, drives);
            cases++;
            return;
        }
        for (int next = 0; next <= CUT; next++) {
            int step = next;
            long done = steps.stream().filter(s -> s == step).count();
            if (done < (next == CUT ? 1 : 2)) {
                steps.addLast(next);
                explore(steps, drives);
                steps.removeLast();
            }
        }
    }

    private void run(List<Integer> steps, int drives) {
        List<WritePath> paths = new ArrayList<>();
        for (int drive = 0; drive < DRIVES; drive++) {
            InFlightTable inFlight = new InFlightTable(
                    MemorySegment.ofArray(new long[(int) InFlightTable.byteSize(IN_FLIGHT) / Long.BYTES]), IN_FLIGHT);
            paths.add(new WritePath(InstantSource.system(), System::nanoTime, inFlight, before.get(drive)));
        }
        int[] slots = {WritePath.REFUSED, WritePath.REFUSED, WritePath.REFUSED};

        for (int step : steps) {
            if (step == CUT) {
                cut(paths);
            } else if (slots[step] == WritePath.REFUSED) {
                slots[step] = paths.get((drives >> step) & 1).begin(offsetOf(step), 1);
            } else {
                paths.get((drives >> step) & 1).end(slots[step], 1);
            }
        }

        int cutAt = steps.indexOf(CUT);
        for (int write = 0; write < WRITES; write++) {
            int drive = (drives >> write) & 1;
            String which = "write " + write + " of " + steps + ", drives " + Integer.toBinaryString(drives);
            assertEquals(steps.indexOf(write) < cutAt, marked(before.get(drive), write), which + ", before the cut");
            assertEquals(steps.lastIndexOf(write) > cutAt, marked(after.get(drive), write), which + ", after the cut");
        }
    }

    /** Each write of each case has a granule of its own. */
    private long offsetOf(int write) {
        return ((long) cases * WRITES + write) * GRANULE_BYTES;
    }

    private void cut(List<WritePath> paths) {
        paths.forEach(path -> path.gate().hold());
        for (int drive = 0; drive < DRIVES; drive++) {
            var _ = paths.get(drive).cut(after.get(drive), paths.get(drive).nextEpoch(), List.of());
        }
        paths.forEach(path -> path.gate().letGo());
    }

    private boolean marked(LiveSet set, int write) {
        return set.marks().contains(offsetOf(write));
    }

    private LiveSet set(int drive, long generation) throws IOException {
        return LiveSet.create(
                directory.resolve(drive + "-" + generation + ".live"),
                new MarkFileHeader(
                        new JournalId(new UUID(1, 1)),
                        new IncarnationId(new UUID(2, 2)),
                        AgentFixture.BOOT,
                        generation,
                        Granularity.DEFAULT,
                        (long) CASES * WRITES * GRANULE_BYTES));
    }
}
