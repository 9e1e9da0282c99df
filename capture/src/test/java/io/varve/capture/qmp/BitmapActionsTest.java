package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.capture.job.DriveInfo;
import io.varve.core.drive.Recording;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class BitmapActionsTest {
    private final BitmapActions actions = new BitmapActions(List.of(
            new DriveInfo(new DriveId("fine"), Path.of("fine"), "raw", OptionalLong.of(4096)),
            new DriveInfo(new DriveId("plain"), Path.of("plain"), "raw", OptionalLong.empty())));

    @Test
    void shouldTakeTheDrivesGranularityWhereNoneIsGiven() {
        assertEquals(Optional.of(4096L), granularity(add("fine")));
        assertEquals(Optional.empty(), granularity(add("plain")));
        assertEquals(
                Optional.of(512L), granularity(new Arguments(add("fine").json().put("granularity", 512))));
    }

    private static Arguments add(String node) {
        return new Arguments(JsonText.object().put("node", node).put("name", "b"));
    }

    private Optional<Long> granularity(Arguments arguments) {
        Action.AddBitmap add = (Action.AddBitmap) actions.action(BitmapActions.ADD, arguments);
        assertEquals(Recording.ENABLED, add.recording());
        return add.granularityBytes();
    }
}
