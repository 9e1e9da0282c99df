package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.drive.Recording;
import io.varve.core.transaction.Action;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BitmapActionsTest {
    @Test
    void shouldTakeTheGranularityThatIsGiven() {
        assertEquals(Optional.empty(), granularity(add("plain")));
        assertEquals(
                Optional.of(512L), granularity(new Arguments(add("plain").json().put("granularity", 512))));
    }

    private static Arguments add(String node) {
        return new Arguments(JsonText.object().put("node", node).put("name", "b"));
    }

    private static Optional<Long> granularity(Arguments arguments) {
        Action.AddBitmap add = (Action.AddBitmap) BitmapActions.action(BitmapActions.ADD, arguments);
        assertEquals(Recording.ENABLED, add.recording());
        return add.granularityBytes();
    }
}
