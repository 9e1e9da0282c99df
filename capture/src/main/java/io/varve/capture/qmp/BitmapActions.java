package io.varve.capture.qmp;

import static io.varve.capture.qmp.Parameter.optional;
import static io.varve.capture.qmp.Parameter.optionalFlag;
import static io.varve.capture.qmp.Parameter.required;
import static io.varve.capture.qmp.Parameter.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.drive.Recording;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Action.MergeBitmaps.Source;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The commands on dirty bitmaps, which are actions of transactions, too. */
final class BitmapActions {
    static final String ADD = "block-dirty-bitmap-add";
    static final String REMOVE = "block-dirty-bitmap-remove";
    static final String CLEAR = "block-dirty-bitmap-clear";
    static final String ENABLE = "block-dirty-bitmap-enable";
    static final String DISABLE = "block-dirty-bitmap-disable";
    static final String MERGE = "block-dirty-bitmap-merge";

    private static final List<Parameter> BITMAP = List.of(text("node"), text("name"));

    private BitmapActions() {}

    /** What each takes. */
    static Map<String, List<Parameter>> parameters() {
        Map<String, List<Parameter>> parameters = new LinkedHashMap<>();
        parameters.put(
                ADD,
                List.of(
                        text("node"),
                        text("name"),
                        optional("granularity", new Parameter.Type.Uint32()),
                        optionalFlag("persistent"),
                        optionalFlag("disabled")));
        for (String simple : List.of(REMOVE, CLEAR, ENABLE, DISABLE)) {
            parameters.put(simple, BITMAP);
        }
        Parameter.Type source = new Parameter.Type.TextOrStruct("BlockDirtyBitmapOrStr", BITMAP);
        parameters.put(
                MERGE, List.of(text("node"), text("target"), required("bitmaps", new Parameter.Type.ListOf(source))));
        return parameters;
    }

    /** @param type one of those above */
    static Action action(String type, Arguments data) {
        String node = data.text("node");
        return switch (type) {
            case ADD ->
                new Action.AddBitmap(
                        node,
                        data.text("name"),
                        data.optionalNumber("granularity"),
                        data.flag("persistent", false),
                        data.flag("disabled", false) ? Recording.DISABLED : Recording.ENABLED);
            case REMOVE -> new Action.RemoveBitmap(node, data.text("name"));
            case CLEAR -> new Action.ClearBitmap(node, data.text("name"));
            case ENABLE -> new Action.EnableBitmap(node, data.text("name"));
            case DISABLE -> new Action.DisableBitmap(node, data.text("name"));
            case MERGE ->
                new Action.MergeBitmaps(
                        node,
                        data.text("target"),
                        data.list("bitmaps").stream()
                                .map(bitmap -> source(node, bitmap))
                                .toList());
            default -> throw new IllegalArgumentException("'" + type + "' isn't an action on a bitmap");
        };
    }

    private static Source source(String node, JsonNode bitmap) {
        return bitmap.isTextual()
                ? new Source(node, bitmap.textValue())
                : new Source(bitmap.path("node").asText(), bitmap.path("name").asText());
    }
}
