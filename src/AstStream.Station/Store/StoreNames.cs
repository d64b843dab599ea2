using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>The ids of labels, models, streams and recordings; one that a store does not know is added to it.</summary>
/// <param name="file">The store.</param>
internal sealed class StoreNames(Func<StoreFile> file)
{
    private const int MostNames = 10_000; // that are remembered

    private readonly Dictionary<(string Kind, string Name), long> _ids = [];

    /// <summary>A label.</summary>
    public long Label(string name) => Id("label", name, "labels (name) VALUES ($0)", name);

    /// <summary>The model that a record is of, as far as the record says which.</summary>
    public long Model(StreamRecord record)
    {
        var by = (record as SoundEvent)?.HeardBy;
        return Model(record.Model, by ?? new ModelIdentity((record as CoverageInterval)?.ModelHash ?? "", "", ""));
    }

    /// <summary>A model.</summary>
    public long Model(string name, ModelIdentity model) => Id(
        "model", $"{name}\n{model.Hash}\n{model.Precision}\n{model.Provider}",
        "models (name, hash, precision, provider) VALUES ($0, $1, $2, $3)", name, model.Hash, model.Precision, model.Provider);

    /// <summary>A stream.</summary>
    public long Stream(StreamIdentity stream)
    {
        var (topic, partition) = (stream.Partition?.Topic ?? "", stream.Partition?.Number ?? -1);
        return Id(
            "stream", $"{stream.Id}\n{stream.Source}\n{topic}\n{partition}",
            "streams (name, source, topic, partition) VALUES ($0, $1, $2, $3)", stream.Id, stream.Source, topic, partition);
    }

    /// <summary>A stretch of a stream whose samples are counted from one start.</summary>
    public long Recording(StreamIdentity stream)
    {
        var (owner, time) = (Stream(stream), stream.StartTime is { } start ? StoreTime.Of(start) : 0);
        return Id("recording", $"{owner} {time}", "recordings (stream, time) VALUES ($0, $1)", owner, time);
    }

    /// <summary>The id of a row that is known by all of its values; it is added where it is not there.</summary>
    private long Id(string kind, string name, string row, params ReadOnlySpan<object?> values)
    {
        if (_ids.TryGetValue((kind, name), out var id))
            return id;
        var first = row[(row.IndexOf('(') + 1)..row.IndexOfAny([',', ')'])];
        id = (long)file().Prepared($"INSERT INTO {row} ON CONFLICT DO UPDATE SET {first} = {first} RETURNING id", values).ExecuteScalar()!;
        if (_ids.Count >= MostNames)
            _ids.Clear();
        return _ids[(kind, name)] = id;
    }

    /// <summary>Remembers none: what was added may not be there.</summary>
    public void Forget() => _ids.Clear();
}
