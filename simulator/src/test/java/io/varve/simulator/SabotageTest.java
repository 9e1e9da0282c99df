package io.varve.simulator;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each rule is needed: with a wrong one in its place, the simulator finds a violation within a thousand seeds. */
class SabotageTest {
    private static final int SEEDS = 1_000;

    static Stream<Rules> sabotages() {
        return Stream.of(
                new WrongMarks.IntentOnly(),
                new WrongMarks.AtCompletion(),
                new WrongMarks.InProcessMemory(),
                new WrongCuts.DroppedOnFailure(),
                new WrongCuts.FreedAtFreeze(),
                new WrongCuts.WithoutHold(),
                new WrongMarks.AfterEffect(),
                new WrongMarks.ClearedOnError(),
                new WrongMarks.Without(WriteKind.TRIM),
                new WrongMarks.Without(WriteKind.WRITE_ZEROES),
                new WrongMarks.WithoutTail(),
                new WrongReaders.WithoutEpochs(),
                new WrongReaders.DropsStale(),
                new WrongReaders.BeginsAtTheEarliest(),
                new WrongReaders.IgnoresDigests(),
                new WrongSinks.ManifestFirst(),
                new WrongSinks.PlainPut(),
                new WrongSinks.ResumesOthers(),
                new WrongSinks.CollectsTheLiving(),
                new WrongLogs.WithoutWaiting(),
                new WrongLogs.WithoutMarks(),
                new WrongLogs.ForgetsTheLost());
    }

    @ParameterizedTest
    @MethodSource("sabotages")
    void shouldFindSabotage(Rules sabotage) {
        Optional<Simulation.Result> found = LongStream.range(0, SEEDS)
                .mapToObj(seed -> Simulation.run(seed, sabotage, false))
                .filter(result -> result.failure().isPresent())
                .findFirst();

        found.ifPresentOrElse(
                result -> System.out.println(sabotage + " is found by seed " + result.seed() + ": "
                        + result.failure().orElseThrow()),
                () -> fail(sabotage + " isn't found within " + SEEDS + " seeds"));
    }
}
