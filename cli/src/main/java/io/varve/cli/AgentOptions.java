package io.varve.cli;

import io.varve.cli.qmp.QmpClient;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.time.Duration;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which agent: {@code --agent}, the address of its QMP. */
final class AgentOptions {

    /** An agent answers at once but for a cut, which gives up after half a second. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @Spec(Spec.Target.MIXEE)
    private CommandSpec verb;

    @Option(names = "--agent", paramLabel = "ADDR", description = "The agent's QMP address, unix:PATH or HOST:PORT.")
    private String agent = "";

    /**
     * Connects to it.
     *
     * @throws IOException in one sentence
     */
    QmpClient connect() throws IOException, InterruptedException {
        return QmpClient.connect(address(), PATIENCE);
    }

    /**
     * Where {@code --agent}, or the configuration, says that it is; a {@link ParameterException} where neither does.
     */
    NbdAddress address() {
        return address(agent);
    }

    /** Reads an address that came in another way. */
    NbdAddress address(String agent) {
        boolean hasPort = agent.startsWith("unix:") || agent.matches(".*:\\d+");
        if (!hasPort) {
            throw new ParameterException(
                    verb.commandLine(),
                    agent.isBlank()
                            ? "No agent is named; say --agent unix:PATH or --agent HOST:PORT, or start one with"
                                    + " 'varve up'."
                            : "'" + agent + "' isn't an agent's address; expected unix:PATH or HOST:PORT.");
        }
        try {
            return NbdAddress.parse(agent);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(verb.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }
}
