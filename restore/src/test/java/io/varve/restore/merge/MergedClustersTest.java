package io.varve.restore.merge;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.sums.ClusterDigest;
import io.varve.archive.sums.ClusterSum;
import io.varve.core.Seeds;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MergedClustersTest {
    private static final int UNIT_BYTES = 512;
    private static final int UNITS = 256;
    private static final int NOBODY = -1;

    /** A layer with these clusters, in units of the model. */
    private record Plan(int clusterUnits, int visibleUnits, List<Integer> clusters) {
        Layer layer() {
            Iterator<Integer> rest = clusters.iterator();
            return new Layer(
                    clusterUnits * UNIT_BYTES,
                    (long) visibleUnits * UNIT_BYTES,
                    () -> rest.hasNext() ? Optional.of(sum(rest.next())) : Optional.empty());
        }

        private ClusterSum sum(int cluster) {
            return ClusterSum.data(
                    cluster, 65536L + cluster, clusterUnits * UNIT_BYTES, new ClusterDigest(cluster, cluster));
        }
    }

    @Test
    void shouldGiveNothingForAnEmptyChain() throws Exception {
        MergedClusters merged = new MergedClusters(List.of(new Plan(1, UNITS, List.of()).layer()));

        assertEquals(Optional.empty(), merged.next());
        assertEquals(Optional.empty(), merged.next());
    }

    @Test
    void shouldLetTheNewestWin() throws Exception {
        assertArrayEquals(
                new int[] {1, 0, 0, 1, NOBODY, NOBODY},
                Arrays.copyOf(
                        owners(List.of(new Plan(1, UNITS, List.of(1, 2)), new Plan(2, UNITS, List.of(0, 1)))), 6));
    }

    /** Hole 12: what a shrink cut off doesn't come back by a later growth. */
    @Test
    void shouldHideWhatAShrinkCutOff() throws Exception {
        Plan grown = new Plan(2, UNITS, List.of(3));
        Plan shrunk = new Plan(2, 3, List.of());
        Plan full = new Plan(2, 3, List.of(0, 1, 2, 3, 4));

        assertArrayEquals(
                new int[] {2, 2, 2, NOBODY, NOBODY, NOBODY, 0, 0, NOBODY},
                Arrays.copyOf(owners(List.of(grown, shrunk, full)), 9));
    }

    @Test
    void shouldAgreeWithANaiveModel() {
        Seeds.forEach(300, random -> {
            List<Plan> plans = new ArrayList<>();
            int layers = random.nextInt(1, 7);
            for (int i = 0; i < layers; i++) {
                plans.add(randomPlan(random));
            }

            assertArrayEquals(naive(plans), owners(plans));
        });
    }

    private static Plan randomPlan(SplittableRandom random) {
        int clusterUnits = 1 << random.nextInt(5);
        int visibleUnits = random.nextBoolean() ? UNITS : random.nextInt(UNITS + 1);
        double density = random.nextDouble();
        List<Integer> clusters = new ArrayList<>();
        for (int cluster = 0; cluster < UNITS / clusterUnits; cluster++) {
            if (random.nextDouble() < density) {
                clusters.add(cluster);
            }
        }
        return new Plan(clusterUnits, visibleUnits, clusters);
    }

    /** Which layer each unit belongs to, by painting the oldest first. */
    private static int[] naive(List<Plan> plans) {
        int[] owners = new int[UNITS];
        Arrays.fill(owners, NOBODY);
        for (int layer = plans.size() - 1; layer >= 0; layer--) {
            Plan plan = plans.get(layer);
            for (int cluster : plan.clusters()) {
                int from = Math.min(plan.visibleUnits(), cluster * plan.clusterUnits());
                int to = Math.min(plan.visibleUnits(), from + plan.clusterUnits());
                Arrays.fill(owners, from, Math.max(from, to), layer);
            }
        }
        return owners;
    }

    private static int[] owners(List<Plan> plans) {
        int[] owners = new int[UNITS];
        Arrays.fill(owners, NOBODY);
        try {
            MergedClusters merged =
                    new MergedClusters(plans.stream().map(Plan::layer).toList());
            long lastEndBytes = 0;
            for (Optional<Segment> next = merged.next(); next.isPresent(); next = merged.next()) {
                Segment segment = next.get();
                long endBytes = segment.offsetBytes() + segment.lengthBytes();
                long clusterEndBytes = segment.clusterOffsetBytes()
                        + (long) plans.get(segment.layer()).clusterUnits() * UNIT_BYTES;
                assertTrue(segment.offsetBytes() >= lastEndBytes && segment.lengthBytes() > 0, segment.toString());
                assertTrue(segment.offsetBytes() >= segment.clusterOffsetBytes() && endBytes <= clusterEndBytes);
                Arrays.fill(
                        owners,
                        (int) (segment.offsetBytes() / UNIT_BYTES),
                        (int) (endBytes / UNIT_BYTES),
                        segment.layer());
                lastEndBytes = endBytes;
            }
            return owners;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
