using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Kafka.Transactions;

/// <summary>
/// What a stream still needs of its partition, and what was decided of it and waits to be committed. Under the lease's lock.
/// </summary>
internal sealed class StreamProgress
{
    private readonly List<Entry> _entries = []; // records that are needed, by their offsets
    private readonly Dictionary<string, ModelPart> _models = new(StringComparer.Ordinal);
    private readonly List<Outgoing> _ready = []; // messages that can be committed
    private long? _restoredOffset; // that another worker has needed; until a record comes
    private bool _hasChanged;

    /// <summary>The offset after the last record that was used.</summary>
    public long UsedTo { get; private set; }

    /// <summary>The first record that it needs; none where it needs none.</summary>
    public long? NeededOffset => _entries.Count > 0 ? Math.Min(_restoredOffset ?? long.MaxValue, _entries[0].Offset) : _restoredOffset;

    /// <summary>Whether there is something of it that is not committed.</summary>
    public bool HasNews => _hasChanged || _ready.Count > 0;

    /// <summary>The first sample of the first record that is needed; null where none is.</summary>
    public long? FirstNeeded => _entries.Count > 0 ? _entries[0].Start : null;

    /// <summary>What each model remembers; null where one does not know the stream yet.</summary>
    public IReadOnlyDictionary<string, byte[]>? States =>
        _models.Count == 0 || _models.Values.Any(m => m.State is null) ? null : _models.ToDictionary(m => m.Key, m => m.Value.State!);

    /// <summary>The first sample that some model needs, with its rate; asked for where all know the stream.</summary>
    public (long Sample, int Rate) Earliest =>
        _models.Values.MinBy(p => (double)p.Needed / p.Rate) is { } first ? (first.Needed, first.Rate) : default;

    /// <summary>Takes up what another worker left.</summary>
    public void Restore(StreamSnapshot state)
    {
        _restoredOffset = state.Rest == StreamRest.None ? state.NeededOffset : null;
        UsedTo = state.NeededOffset;
        foreach (var (model, bytes) in state.States)
            _models[model] = new ModelPart { State = bytes, Needed = state.Position, Rate = state.SampleRate };
    }

    /// <summary>Another session begins: nothing of the last one is needed.</summary>
    public void Begin()
    {
        _restoredOffset = null;
        _models.Clear();
    }

    /// <summary>A record's block is needed from here on.</summary>
    public void Hold(long offset, long start, long end, int rate, IReadOnlyList<CarriedHeader> carried)
    {
        Use(offset);
        _entries.Add(new Entry(offset, start, end, rate, carried));
    }

    /// <summary>A record was used that need not be kept.</summary>
    public void Use(long offset)
    {
        _restoredOffset = null;
        UsedTo = offset + 1;
    }

    /// <summary>The records that samples came in, and what the last of them carries; null where there is none.</summary>
    public LocatedInput Locate(long start, long end)
    {
        var range = new InputRange(long.MaxValue, 0);
        IReadOnlyList<CarriedHeader>? carried = null;
        foreach (var entry in _entries)
        {
            if (entry.Start >= end || entry.End <= start)
                continue;
            if (entry.Offset >= range.Last)
                carried = entry.Carried;
            range = new InputRange(Math.Min(range.First, entry.Offset), Math.Max(range.Last, entry.Offset));
        }

        return carried is null ? default : new LocatedInput(range, carried);
    }

    /// <summary>A message of a model that belongs before the checkpoint of a number.</summary>
    public void Add(string model, long number, Outgoing message) => PartOf(model).Pending.Add((number, message));

    /// <summary>Sinks have all that lies before a checkpoint. Returns whether the stream is over with it, for all of its models.</summary>
    public bool Pass(StreamCheckpoint checkpoint)
    {
        var part = PartOf(checkpoint.Model);
        (part.State, part.Needed, part.Rate, part.Number, part.IsEnd) = (
            checkpoint.State, checkpoint.Needed, checkpoint.SampleRate, checkpoint.Number, checkpoint.IsEnd);

        foreach (var gone in _models.Keys.Except(checkpoint.Stream.Models).ToList())
            _models.Remove(gone);

        // The models' messages and states are committed together, from when every one of them knows the stream.
        var models = checkpoint.Stream.Models;
        if (models.Any(m => !_models.TryGetValue(m, out var known) || known.State is null))
            return false;
        _hasChanged = true;
        foreach (var known in _models.Values)
        {
            // Not only from the front: sinks run ahead of each other.
            _ready.AddRange(known.Pending.Where(p => p.Number <= known.Number).Select(p => p.Message));
            known.Pending.RemoveAll(p => p.Number <= known.Number);
        }

        if (models.All(m => _models[m].IsEnd))
        {
            _entries.Clear();
            _models.Clear();
            _restoredOffset = null;
            return true;
        }

        var needed = models.Select(m => _models[m]).Min(p => (double)p.Needed / p.Rate);
        _entries.RemoveAll(e => (double)e.End / e.Rate <= needed);
        return false;
    }

    /// <summary>Takes the messages that can be committed; whether the state has changed with them.</summary>
    public bool Collect(List<Outgoing> messages)
    {
        messages.AddRange(_ready);
        _ready.Clear();
        var hasChanged = _hasChanged;
        _hasChanged = false;
        return hasChanged;
    }

    private ModelPart PartOf(string model) => _models.TryGetValue(model, out var part) ? part : _models[model] = new ModelPart();

    private readonly record struct Entry(long Offset, long Start, long End, int Rate, IReadOnlyList<CarriedHeader> Carried);

    private sealed class ModelPart
    {
        public List<(long Number, Outgoing Message)> Pending { get; } = [];

        public byte[]? State { get; set; }

        public long Needed { get; set; }

        public int Rate { get; set; }

        public long Number { get; set; }

        public bool IsEnd { get; set; }
    }
}
