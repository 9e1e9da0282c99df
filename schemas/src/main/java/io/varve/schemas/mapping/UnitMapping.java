package io.varve.schemas.mapping;

import io.varve.core.commit.CopyState;
import io.varve.core.commit.Part;
import io.varve.core.commit.UnitInput;
import io.varve.core.commit.UnitState;
import io.varve.core.id.DriveId;
import io.varve.schemas.avro.CopyInArchive;
import io.varve.schemas.avro.CopySent;
import io.varve.schemas.avro.DriveCopy;
import io.varve.schemas.avro.OutcomeHeard;
import io.varve.schemas.avro.PartOffered;
import io.varve.schemas.avro.PartRefused;
import io.varve.schemas.avro.UnitCopying;
import io.varve.schemas.avro.UnitDeciding;
import io.varve.schemas.avro.UnitGathering;
import io.varve.schemas.avro.UnitSettled;
import java.util.SortedMap;
import java.util.TreeMap;

/** How far a unit is, and what moves it. */
public final class UnitMapping {
    private UnitMapping() {}

    public static io.varve.schemas.avro.UnitState toAvro(UnitState state) {
        return new io.varve.schemas.avro.UnitState(
                switch (state) {
                    case UnitState.Gathering(var unit, var participants, var parts, int silences) ->
                        new UnitGathering(
                                WorkMapping.toAvro(unit),
                                Scalars.driveNames(participants),
                                parts.values().stream().map(WorkMapping::toAvro).toList(),
                                silences);
                    case UnitState.Copying(var unit, var copies) ->
                        new UnitCopying(
                                WorkMapping.toAvro(unit),
                                copies.entrySet().stream()
                                        .map(c -> new DriveCopy(c.getKey().value(), toAvro(c.getValue())))
                                        .toList());
                    case UnitState.Deciding(var unit, var proposed, var drives) ->
                        new UnitDeciding(
                                WorkMapping.toAvro(unit), WorkMapping.toAvro(proposed), Scalars.driveNames(drives));
                    case UnitState.Decided(var unit, var verdict) ->
                        new UnitSettled(WorkMapping.toAvro(unit), WorkMapping.toAvro(verdict));
                });
    }

    public static UnitState toCore(io.varve.schemas.avro.UnitState state) {
        return switch (state.getState()) {
            case UnitGathering gathering -> {
                SortedMap<DriveId, Part> parts = new TreeMap<>();
                gathering.getParts().forEach(p -> parts.put(new DriveId(p.getDrive()), WorkMapping.toCore(p)));
                yield new UnitState.Gathering(
                        WorkMapping.toCore(gathering.getUnit()),
                        Scalars.drives(gathering.getParticipants()),
                        parts,
                        gathering.getSilences());
            }
            case UnitCopying copying -> {
                SortedMap<DriveId, CopyState> copies = new TreeMap<>();
                copying.getCopies().forEach(c -> copies.put(new DriveId(c.getDrive()), copy(c.getCopy())));
                yield new UnitState.Copying(WorkMapping.toCore(copying.getUnit()), copies);
            }
            case UnitDeciding deciding ->
                new UnitState.Deciding(
                        WorkMapping.toCore(deciding.getUnit()),
                        WorkMapping.verdict(deciding.getProposed()),
                        Scalars.drives(deciding.getDrives()));
            case UnitSettled settled ->
                new UnitState.Decided(WorkMapping.toCore(settled.getUnit()), WorkMapping.verdict(settled.getVerdict()));
            default -> throw Scalars.unexpected("UnitState.state", state.getState());
        };
    }

    private static Object toAvro(CopyState copy) {
        return switch (copy) {
            case CopyState.Sent(Part part, int attempt) -> new CopySent(WorkMapping.toAvro(part), attempt);
            case CopyState.InArchive(var manifest) -> new CopyInArchive(WorkMapping.toAvro(manifest));
        };
    }

    private static CopyState copy(Object copy) {
        return switch (copy) {
            case CopySent sent -> new CopyState.Sent(WorkMapping.toCore(sent.getPart()), sent.getAttempt());
            case CopyInArchive there -> new CopyState.InArchive(WorkMapping.toCore(there.getManifest()));
            default -> throw Scalars.unexpected("DriveCopy.copy", copy);
        };
    }

    /**
     * As a message.
     *
     * @throws IllegalArgumentException for a silence, which nobody sends
     */
    public static io.varve.schemas.avro.UnitInput toAvro(UnitInput input) {
        return new io.varve.schemas.avro.UnitInput(
                switch (input) {
                    case UnitInput.PartOffered(Part part) -> new PartOffered(WorkMapping.toAvro(part));
                    case UnitInput.PartRefused(var drive, var mark, String reason) ->
                        new PartRefused(drive.value(), MarkMapping.toAvro(mark), reason);
                    case UnitInput.Heard(var unit, var outcome) ->
                        new OutcomeHeard(WorkMapping.toAvro(unit), OutcomeMapping.toAvro(outcome));
                    case UnitInput.Silence() -> throw new IllegalArgumentException("silence is no message");
                });
    }

    public static UnitInput toCore(io.varve.schemas.avro.UnitInput input) {
        return switch (input.getInput()) {
            case PartOffered offered -> new UnitInput.PartOffered(WorkMapping.toCore(offered.getPart()));
            case PartRefused refused ->
                new UnitInput.PartRefused(
                        new DriveId(refused.getDrive()), MarkMapping.toCore(refused.getMark()), refused.getReason());
            case OutcomeHeard heard ->
                new UnitInput.Heard(WorkMapping.toCore(heard.getUnit()), OutcomeMapping.toCore(heard.getOutcome()));
            default -> throw Scalars.unexpected("UnitInput.input", input.getInput());
        };
    }
}
