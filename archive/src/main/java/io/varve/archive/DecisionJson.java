package io.varve.archive;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.archive.store.ObjectKey;
import io.varve.core.id.DriveId;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A decision as JSON. It holds nothing that differs from try to try, so that the same decision has the same bytes.
 */
final class DecisionJson {
    private static final String COMMITTED = "committed";
    private static final String ABORTED = "aborted";

    private DecisionJson() {}

    static byte[] write(DecisionUnit unit, Decision decision) {
        ObjectNode json = JsonFields.document();
        json.put("syncPoint", unit.syncPoint().value());
        if (unit instanceof DecisionUnit.Single single) {
            json.put("drive", single.drive().value());
        }
        switch (decision) {
            case Decision.Committed committed -> {
                json.put("decision", COMMITTED);
                ObjectNode manifests = json.putObject("manifests");
                committed
                        .manifests()
                        .forEach((drive, ref) -> ManifestJson.writeRef(manifests.putObject(drive.value()), ref));
            }
            case Decision.Aborted aborted -> json.put("decision", ABORTED).put("reason", aborted.reason());
        }
        return JsonFields.bytes(json);
    }

    static Decision read(ObjectKey key, DecisionUnit unit, byte[] bytes) throws DamagedArchiveException {
        return JsonFields.parse("the decision '" + key + "'", bytes, json -> decision(unit, json));
    }

    private static Decision decision(DecisionUnit unit, JsonFields json) {
        expect("syncPoint", unit.syncPoint().value(), json.text("syncPoint"));
        if (unit instanceof DecisionUnit.Single single) {
            expect("drive", single.drive().value(), json.text("drive"));
        }
        String decision = json.text("decision");
        return switch (decision) {
            case COMMITTED -> new Decision.Committed(json.whole("manifests", DecisionJson::manifests));
            case ABORTED -> new Decision.Aborted(json.text("reason"));
            default -> throw new IllegalArgumentException("it says '" + decision + "'; expected committed or aborted");
        };
    }

    private static SortedMap<DriveId, ManifestRef> manifests(JsonFields json) {
        SortedMap<DriveId, ManifestRef> manifests = new TreeMap<>();
        for (String drive : json.names()) {
            manifests.put(new DriveId(drive), json.whole(drive, ManifestJson::ref));
        }
        return manifests;
    }

    private static void expect(String field, String expected, String actual) {
        if (!expected.equals(actual)) {
            throw new IllegalArgumentException(field + " is '" + actual + "'; expected '" + expected + "'");
        }
    }
}
