namespace AstStream.Model.Checkpoints;

/// <summary>What a pickle has made and not used yet, and what it keeps to use again. Each error says at which byte of the pickle.</summary>
internal sealed class PickleStack
{
    // Written before an item that is marked: no value is ever this one.
    private static readonly object s_mark = new();

    private readonly List<object?> _values = [];
    private readonly Dictionary<uint, object?> _kept = [];

    /// <summary>How many values are kept.</summary>
    public uint Kept => (uint)_kept.Count;

    public void Push(object? value) => _values.Add(value);

    /// <summary>Marks a place that can be gone back to.</summary>
    public void Mark() => _values.Add(s_mark);

    /// <exception cref="PickleException">There is none.</exception>
    public object? Pop(int at)
    {
        if (_values.Count == 0 || _values[^1] == s_mark)
            throw PickleException.At(at, "takes a value where there is none");
        var value = _values[^1];
        _values.RemoveAt(_values.Count - 1);
        return value;
    }

    /// <exception cref="PickleException">It is another value.</exception>
    public string PopText(int at) => Pop(at) as string ?? throw PickleException.At(at, "a name that is no text");

    /// <exception cref="PickleException">There are fewer.</exception>
    public object?[] PopMany(int at, int count)
    {
        var values = new object?[count];
        while (count > 0)
            values[--count] = Pop(at);
        return values;
    }

    /// <summary>The values after the last mark.</summary>
    /// <exception cref="PickleException">There is no mark.</exception>
    public object?[] PopToMark(int at)
    {
        var mark = _values.LastIndexOf(s_mark);
        if (mark < 0)
            throw PickleException.At(at, "goes back to a mark that is not there");
        var values = _values.GetRange(mark + 1, _values.Count - mark - 1).ToArray();
        _values.RemoveRange(mark, _values.Count - mark);
        return values;
    }

    /// <summary>The last value, which stays.</summary>
    /// <exception cref="PickleException">It is of another kind.</exception>
    public T Top<T>(int at, string what)
        where T : class =>
        _values.Count > 0 && _values[^1] is T value ? value : throw PickleException.At(at, $"adds to something that is not {what}");

    /// <summary>Keeps the last value under a number.</summary>
    /// <exception cref="PickleException">There is none.</exception>
    public void Remember(int at, uint index) => _kept[index] = _values.Count > 0 && _values[^1] != s_mark
        ? _values[^1] : throw PickleException.At(at, "keeps a value where there is none");

    /// <summary>Pushes a value that was kept.</summary>
    /// <exception cref="PickleException">None was under that number.</exception>
    public void Recall(int at, uint index) =>
        Push(_kept.TryGetValue(index, out var value)
            ? value : throw PickleException.At(at, $"recalls value {index}, which was not kept"));

    /// <summary>The one value that is left at the end.</summary>
    /// <exception cref="PickleException">There are none, or several.</exception>
    public object? Result(int at) => _values.Count == 1 && _values[0] != s_mark
        ? _values[0] : throw PickleException.At(at, $"ends with {_values.Count} values; expected one");
}
