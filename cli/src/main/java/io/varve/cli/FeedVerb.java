package io.varve.cli;

import io.varve.cli.feed.Feed;
import io.varve.cli.feed.FeedFrom;
import io.varve.cli.feed.FeedPrinter;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows the change feed. */
@Command(
        name = "feed",
        description = "Show the change feed: one line an event, in each drive's order.",
        mixinStandardHelpOptions = true)
final class FeedVerb implements Callable<Integer> {

    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Mixin
    private KafkaOptions kafka;

    @Option(names = "--drive", paramLabel = "DRIVE", description = "Only this drive's events; may be said again.")
    private List<String> drives = List.of();

    @Option(names = "--from", paramLabel = "beginning|now", description = "Where to begin (default: beginning).")
    private FeedFrom from = FeedFrom.BEGINNING;

    @Option(names = "--json", description = "Print a JSON object a line.")
    private boolean json;

    @ArgGroup
    private Until until = new Until();

    /** When to stop: one of them. */
    static final class Until {

        @Option(names = "--follow", description = "Go on with what comes, until interrupted.")
        private boolean follow;

        @Option(names = "--until-end", description = "Stop after what is there now, as when nothing is said.")
        private boolean end;

        private boolean goesOn() {
            return follow && !end;
        }
    }

    FeedVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, VerbFailedException, InterruptedException {
        var printer = printer();
        kafka.checkAnswers();
        try (var feed = Feed.open(kafka.client(), from)) {
            if (until.goesOn()) {
                follow(feed, printer);
            } else {
                feed.readToEnd(printer);
            }
        }
        return ExitCode.DONE.code();
    }

    private void follow(Feed feed, FeedPrinter printer) throws IOException {
        try (var life = RoleLife.ofUser(surroundings)) {
            life.onEnd(feed::stop);
            feed.follow(printer);
        }
    }

    private FeedPrinter printer() {
        try {
            var wanted = drives.stream().map(DriveId::new).collect(Collectors.toSet());
            return new FeedPrinter(surroundings.out(), json, wanted);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }
}
