package io.varve.archive;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.archive.Manifest.CutProof;
import io.varve.archive.Manifest.DataObject;
import io.varve.archive.Manifest.Dirt;
import io.varve.archive.Manifest.Generations;
import io.varve.archive.Manifest.Image;
import io.varve.archive.Manifest.LogPosition;
import io.varve.archive.Manifest.Membership;
import io.varve.archive.Manifest.SumsObject;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.StoredPart;
import io.varve.archive.store.StoredParts;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.commit.ManifestRef;
import io.varve.core.drive.Completion;
import io.varve.core.drive.FullCause;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;

/** A manifest as JSON. Parts are pairs of length and SHA-256, so that 10,000 of them fit into the limit of 1 MiB. */
final class ManifestJson {
    private ManifestJson() {}

    static byte[] write(Manifest manifest) {
        ObjectNode json = JsonFields.document();
        json.put("drive", manifest.name().drive().value());
        json.put("chain", manifest.name().chain().value());
        json.put("sequence", manifest.name().sequence());
        json.put("attempt", manifest.name().attempt().toString());
        writeMembership(json.putObject("syncPoint"), manifest.membership());
        manifest.parent().ifPresent(parent -> writeRef(json.putObject("parent"), parent));
        manifest.fullCause().ifPresent(cause -> json.put("fullCause", cause.label()));
        json.putObject("image")
                .put("sizeBytes", manifest.image().sizeBytes())
                .put("clusterSizeBytes", manifest.image().clusterSizeBytes());
        manifest.cut().ifPresent(cut -> writeCut(json.putObject("cut"), cut));
        writeData(json.putObject("data"), manifest.data());
        json.putObject("sums")
                .put("key", manifest.sums().key().value())
                .put("lengthBytes", manifest.sums().lengthBytes())
                .put("sha256", manifest.sums().sha256().hex());
        json.put("created", manifest.created().toString());
        manifest.position()
                .ifPresent(position -> json.putObject("position")
                        .put("topic", position.topic())
                        .put("partition", position.partition())
                        .put("offset", position.offset()));
        return JsonFields.bytes(json);
    }

    private static void writeMembership(ObjectNode json, Membership membership) {
        json.put("id", membership.syncPoint().value());
        ArrayNode participants = json.putArray("participants");
        membership.participants().forEach(drive -> participants.add(drive.value()));
        json.put("completion", membership.completion().name().toLowerCase(Locale.ROOT));
    }

    private static void writeCut(ObjectNode json, CutProof cut) {
        json.put("bitmap", cut.bitmap().value());
        json.put("journal", cut.generations().journal().value().toString());
        ArrayNode generations = json.putArray("generations");
        cut.generations().numbers().forEach(generations::add);
        json.put("granularityBytes", cut.dirt().granularity().bytes());
        json.put("dirtyBytes", cut.dirt().dirtyBytes());
        json.put("digest", cut.dirt().digest().hex());
    }

    private static void writeData(ObjectNode json, DataObject data) {
        json.put("key", data.key().value());
        json.put("lengthBytes", data.lengthBytes());
        json.put("sha256OfPartSha256s", data.parts().digest().hex());
        json.put("dirtyBytes", data.dirtyBytes());
        ArrayNode parts = json.putArray("parts");
        data.parts()
                .parts()
                .forEach(part -> parts.addArray()
                        .add(part.lengthBytes())
                        .add(part.sha256().hex()));
    }

    static void writeRef(ObjectNode json, ManifestRef ref) {
        json.put("key", ref.key()).put("sha256", ref.sha256().hex());
    }

    static Manifest read(ObjectKey key, byte[] bytes) throws DamagedArchiveException {
        return JsonFields.parse("the manifest '" + key + "'", bytes, ManifestJson::manifest);
    }

    private static Manifest manifest(JsonFields json) {
        BackupName name = new BackupName(
                new DriveId(json.text("drive")),
                new SyncPointId(json.text("chain")),
                json.smallNumber("sequence"),
                UUID.fromString(json.text("attempt")));
        return new Manifest(
                name,
                json.whole("syncPoint", ManifestJson::membership),
                json.optional("parent", ManifestJson::ref),
                json.optionalText("fullCause").map(FullCause::ofAnyVersion),
                json.whole(
                        "image", image -> new Image(image.number("sizeBytes"), image.smallNumber("clusterSizeBytes"))),
                json.optional("cut", ManifestJson::cut),
                json.whole("data", ManifestJson::data),
                json.whole("sums", ManifestJson::sums),
                instant(json.text("created")),
                json.optional("position", ManifestJson::position));
    }

    private static Membership membership(JsonFields json) {
        SortedSet<DriveId> participants = new TreeSet<>();
        json.items("participants").forEach(item -> participants.add(new DriveId(item.asText())));
        return new Membership(
                new SyncPointId(json.text("id")),
                participants,
                Completion.valueOf(json.text("completion").toUpperCase(Locale.ROOT)));
    }

    private static CutProof cut(JsonFields json) {
        SortedSet<Long> generations = new TreeSet<>();
        json.items("generations").forEach(item -> generations.add(positive(item)));
        return new CutProof(
                new BitmapName(json.text("bitmap")),
                new Generations(new JournalId(UUID.fromString(json.text("journal"))), generations),
                new Dirt(
                        new Granularity(json.number("granularityBytes")),
                        json.number("dirtyBytes"),
                        new Digest(json.text("digest"))));
    }

    private static long positive(JsonNode item) {
        if (!item.isIntegralNumber() || !item.canConvertToLong() || item.longValue() < 1) {
            throw new IllegalArgumentException("'" + item + "' isn't a generation's number");
        }
        return item.longValue();
    }

    private static DataObject data(JsonFields json) {
        List<StoredPart> parts = new ArrayList<>();
        for (JsonNode part : json.items("parts")) {
            parts.add(new StoredPart(
                    part.path(0).asLong(-1), new Digest(part.path(1).asText())));
        }
        DataObject data =
                new DataObject(new ObjectKey(json.text("key")), new StoredParts(parts), json.number("dirtyBytes"));
        long lengthBytes = json.number("lengthBytes");
        Digest digest = new Digest(json.text("sha256OfPartSha256s"));
        if (lengthBytes != data.lengthBytes() || !digest.equals(data.parts().digest())) {
            throw new IllegalArgumentException("the data's length and digest aren't those of its parts");
        }
        return data;
    }

    private static SumsObject sums(JsonFields json) {
        return new SumsObject(
                new ObjectKey(json.text("key")), json.number("lengthBytes"), new Digest(json.text("sha256")));
    }

    static ManifestRef ref(JsonFields json) {
        return new ManifestRef(new ObjectKey(json.text("key")).value(), new Digest(json.text("sha256")));
    }

    private static LogPosition position(JsonFields json) {
        return new LogPosition(json.text("topic"), json.smallNumber("partition"), json.number("offset"));
    }

    private static Instant instant(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("'" + text + "' isn't a time", e);
        }
    }
}
