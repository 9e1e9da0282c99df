package io.varve.archive;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.archive.store.ObjectKey;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.id.DriveId;
import java.util.SortedMap;
import java.util.TreeMap;

/** A decision as JSON. It holds nothing that differs from try to try, so that the same decision has the same bytes. */
final class DecisionJson {
    private static final String COMMITTED = "committed";
    private static final String ABORTED = "aborted";
    private static final int MAX_REASON = 4096;

    private DecisionJson() {}

    static byte[] write(UnitId unit, Verdict verdict) {
        ObjectNode json = JsonFields.document();
        json.put("syncPoint", unit.syncPoint().value());
        unit.drive().ifPresent(drive -> json.put("drive", drive.value()));
        switch (verdict) {
            case Verdict.Committed committed -> {
                json.put("decision", COMMITTED);
                ObjectNode manifests = json.putObject("manifests");
                committed
                        .manifests()
                        .forEach((drive, ref) -> ManifestJson.writeRef(manifests.putObject(drive.value()), ref));
            }
            case Verdict.Aborted aborted -> json.put("decision", ABORTED).put("reason", bounded(aborted.reason()));
        }
        return JsonFields.bytes(json);
    }

    private static String bounded(String reason) {
        return reason.length() > MAX_REASON ? reason.substring(0, MAX_REASON) : reason;
    }

    static Verdict read(ObjectKey key, UnitId unit, byte[] bytes) throws DamagedArchiveException {
        return JsonFields.parse("the decision '" + key + "'", bytes, json -> verdict(unit, json));
    }

    private static Verdict verdict(UnitId unit, JsonFields json) {
        expect("syncPoint", unit.syncPoint().value(), json.text("syncPoint"));
        unit.drive().ifPresent(drive -> expect("drive", drive.value(), json.text("drive")));
        String decision = json.text("decision");
        return switch (decision) {
            case COMMITTED -> new Verdict.Committed(json.whole("manifests", DecisionJson::manifests));
            case ABORTED -> new Verdict.Aborted(json.text("reason"));
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
