namespace AstStream.Events.Decoding;

/// <summary>The classes that make no event at a time, because a class below them sounds.</summary>
internal sealed class CoveredClasses(int classes)
{
    private readonly bool[] _isCovered = new bool[classes];
    private bool _isAny;

    /// <summary>Whether a class is one of them.</summary>
    public bool this[int label] => _isCovered[label];

    /// <summary>Forgets them all.</summary>
    public void Clear()
    {
        if (_isAny)
            _isCovered.AsSpan().Clear();
        _isAny = false;
    }

    /// <summary>A class sounds: those above it are covered.</summary>
    public void Sounds(int label, EventOptions options)
    {
        if (options.Ancestors.Count == 0)
            return;
        foreach (var above in options.Ancestors[label])
            (_isCovered[above], _isAny) = (true, true);
    }
}
