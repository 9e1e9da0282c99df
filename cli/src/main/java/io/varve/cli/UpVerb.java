package io.varve.cli;

import io.varve.capture.DriveArgument;
import io.varve.cli.stack.Stack;
import io.varve.cli.stack.StackConfig;
import io.varve.cli.stack.StackRole;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs all of Varve on this machine until it's interrupted. */
@Command(
        name = "up",
        description = "Run all of Varve on this machine: broker, S3 server, streams, sink, and the agent that serves"
                + " the drives.",
        mixinStandardHelpOptions = true)
final class UpVerb implements Callable<Integer> {

    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "varve-data",
            description = "Keeps data, logs and addresses for the next time (default: ${DEFAULT-VALUE}).")
    private Path data;

    @Option(
            names = "--partitions",
            paramLabel = "N",
            defaultValue = "" + StackConfig.DEFAULT_PARTITIONS,
            description = "Of the topics, when they are made (default: ${DEFAULT-VALUE}).")
    private int partitions;

    @Option(
            names = "--roles",
            paramLabel = "ROLE",
            split = ",",
            defaultValue = "streams,sink,capture",
            description = "The roles that run beside broker and store (default: ${DEFAULT-VALUE}).")
    private Set<StackRole> roles;

    @Parameters(
            paramLabel = "DRIVE",
            description = "NAME=PATH[,format=raw|qcow2|nbd][,backing=on][,exclusive=on][,granularity=BYTES]")
    private List<String> drives = List.of();

    UpVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        var config = config();
        long sinceNanos = System.nanoTime();
        try (var life = RoleLife.ofUser(surroundings)) {
            // An interrupt while all of it starts must not leave a part of it.
            var starter = Thread.currentThread();
            var starting = new Starting(starter);
            life.onEnd(starting::interrupt);
            try (var stack = Stack.start(config, surroundings.err())) {
                starting.done();
                print(stack, Duration.ofNanos(System.nanoTime() - sinceNanos));
                life.awaitEnd();
                surroundings.err().println("varve up: stopping.");
            }
            return ExitCode.DONE.code();
        }
    }

    /** Interrupts the thread that starts, but never one that has started. */
    private static final class Starting {
        private final Thread starter;
        private boolean done;

        private Starting(Thread starter) {
            this.starter = starter;
        }

        private synchronized void interrupt() {
            if (!done) {
                starter.interrupt();
            }
        }

        private synchronized void done() {
            done = true;
            // One that came in the last moment: the end is asked for anyhow.
            boolean _ = Thread.interrupted();
        }
    }

    private StackConfig config() {
        try {
            var names = new HashSet<>();
            for (var drive : drives) {
                var name = DriveArgument.parse(drive).drive();
                if (!names.add(name)) {
                    throw new IllegalArgumentException("drive '" + name + "' is named twice");
                }
            }
            return StackConfig.of(data, drives).withPartitions(partitions).withRoles(roles);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private void print(Stack stack, Duration took) throws IOException {
        var out = surroundings.out();
        out.printf(
                Locale.ROOT,
                "varve up: all serve after %.1f s; interrupt (Ctrl-C) to stop them.%n",
                took.toMillis() / 1000.0);
        if (stack.role(StackRole.CAPTURE).isPresent()) {
            for (var drive : drives) {
                var name = DriveArgument.parse(drive).drive().value();
                line(out, "drive " + name, stack.unixExport(name) + "   " + stack.tcpExport(name));
            }
            line(out, "QMP", stack.agent());
        } else {
            line(out, "drives", "none, so no agent runs: start again with NAME=PATH, or run 'varve capture'");
        }
        line(out, "Kafka", stack.kafka());
        line(out, "archive", stack.archive().location() + " at " + stack.s3Endpoint());
        line(out, "logs", stack.log("*").toString());
        line(out, "addresses", stack.properties().toString());
        out.println();
        var config = data.equals(Path.of("varve-data")) ? "" : " --config " + stack.properties();
        out.println("Try next, in another terminal:");
        out.println("  varve backup" + config);
        out.println("  varve sync-points" + config);
        out.println("  varve feed --follow" + config);
        out.println("  varve restore" + config + " --sync-point ID --to DIR");
        out.flush();
    }

    private static void line(PrintStream out, String what, String where) {
        out.printf("  %-12s %s%n", what, where);
    }
}
