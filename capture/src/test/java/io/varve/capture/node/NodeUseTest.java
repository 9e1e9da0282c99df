package io.varve.capture.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.varve.capture.tracking.AgentFixture;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node that another monitor deletes between its lookup and its use. */
class NodeUseTest {
    private static final NodeSpec EMPTY =
            new NodeSpec.NullCo(NodeOptions.DEFAULT.named(Optional.of("n")), 1 << 20, true, 0);

    @TempDir
    private Path directory;

    @Test
    void shouldRefuseANodeThatWentAfterItWasFound() throws Exception {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            NodeGraph graph = new NodeGraph(fixture.agent());
            Node found = graph.add(EMPTY);
            graph.delete("n");
            Node another = graph.add(EMPTY);
            NodeUse use = new NodeUse.Job("backup");

            NodeRefusedException refused = assertThrows(NodeRefusedException.class, () -> graph.begin(found, use));

            assertEquals("Cannot find device='' nor node-name='n'", refused.description());
            graph.begin(another, use);
            assertThrows(NodeRefusedException.class, () -> graph.delete("n"));
            graph.end(another, use);
            graph.delete("n");
        }
    }
}
