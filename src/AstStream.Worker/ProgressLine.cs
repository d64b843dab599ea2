namespace AstStream.Worker;

/// <summary>A progress bar on standard error, where that is a terminal and the work is long enough to look at one.</summary>
internal sealed class ProgressLine(string what, int total) : IDisposable
{
    private const int Width = 30;

    private readonly bool _isShown = total >= 20 && !Console.IsErrorRedirected;
    private int _done;
    private bool _isDrawn;

    /// <summary>One more is done.</summary>
    public void Step()
    {
        _done++;
        if (!_isShown)
            return;
        var filled = (int)((long)Width * _done / total);
        Console.Error.Write($"\r{what} [{new string('#', filled)}{new string('.', Width - filled)}] {_done}/{total}");
        _isDrawn = true;
    }

    /// <summary>Makes room for other output.</summary>
    public void Clear()
    {
        if (!_isDrawn)
            return;
        Console.Error.Write($"\r{new string(' ', Console.WindowWidth - 1)}\r");
        _isDrawn = false;
    }

    /// <summary>Takes the bar away.</summary>
    public void Dispose() => Clear();
}
