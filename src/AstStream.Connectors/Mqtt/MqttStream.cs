namespace AstStream.Connectors.Mqtt;

/// <summary>What the broker is to know of one stream. Under the sink's lock.</summary>
/// <param name="name">Its name.</param>
internal sealed class MqttStream(string name)
{
    private readonly Dictionary<string, Dictionary<string, long>> _open = new(StringComparer.Ordinal); // ids and since when, by label

    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>Its labels, in the order in which they came.</summary>
    public List<string> Labels { get; } = [];

    /// <summary>Whether it has a state and a level.</summary>
    public bool IsLive { get; set; }

    /// <summary>Whether its description is to be published.</summary>
    public bool IsNews { get; set; } = true;

    /// <summary>The state that was published last; null for none.</summary>
    public string? State { get; set; }

    /// <summary>When its state was published.</summary>
    public long StateAt { get; set; }

    /// <summary>Labels whose state is to be published.</summary>
    public HashSet<string> Changed { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether a label sounds.</summary>
    public bool IsOn(string label) => _open.TryGetValue(label, out var ids) && ids.Count > 0;

    /// <summary>An event begins or ends; true where that changes whether its label sounds.</summary>
    /// <param name="label">Its label.</param>
    /// <param name="id">Its id.</param>
    /// <param name="isOpen">Whether it is open now.</param>
    /// <param name="now">When, as a timestamp.</param>
    public bool Set(string label, string id, bool isOpen, long now)
    {
        var before = IsOn(label);
        if (!_open.TryGetValue(label, out var ids))
            _open[label] = ids = new Dictionary<string, long>(StringComparer.Ordinal);
        if (isOpen)
            ids.TryAdd(id, now);
        else
            ids.Remove(id);
        return before != IsOn(label);
    }

    /// <summary>Takes events for over whose end has not come; returns the labels that change by it.</summary>
    /// <param name="isOld">Whether an event that began then is.</param>
    public IReadOnlyList<string> CloseOld(Func<long, bool> isOld)
    {
        var changed = new List<string>();
        foreach (var (label, ids) in _open)
        {
            var before = ids.Count;
            foreach (var old in ids.Where(i => isOld(i.Value)).Select(i => i.Key).ToList())
                ids.Remove(old);
            if (before > 0 && ids.Count == 0)
                changed.Add(label);
        }

        return changed;
    }
}
