namespace AstStream.Worker;

/// <summary>A progress bar on standard error, where that is a terminal and the work is long enough to look at one.</summary>
internal sealed class ProgressLine(string what, long total) : IDisposable
{
    private const int Width = 30;
    private const int Shortest = 20; // steps

    private readonly bool _isShown = total >= Shortest && !Console.IsErrorRedirected;
    private long _done;
    private string _drawn = "";

    /// <summary>One more is done.</summary>
    public void Step() => Report(_done + 1);

    /// <summary>So many are done.</summary>
    public void Report(long done)
    {
        _done = done;
        var filled = (int)((Int128)Width * Math.Clamp(done, 0, total) / Math.Max(1, total));
        var text = $"{what} [{new string('#', filled)}{new string('.', Width - filled)}] {Shown(done)}/{Shown(total)}";
        if (!_isShown || text == _drawn)
            return;
        Terminal.Draw(text);
        _drawn = text;
    }

    /// <summary>Makes room for other output.</summary>
    public void Clear()
    {
        if (_drawn.Length == 0)
            return;
        Terminal.Draw(new string(' ', Math.Max(0, Console.WindowWidth - 1)));
        Terminal.Draw("");
        _drawn = "";
    }

    /// <summary>Takes the bar away.</summary>
    public void Dispose() => Clear();

    /// <summary>Large numbers are bytes.</summary>
    private string Shown(long value) => total > 1_000_000 ? $"{value / 1_000_000} MB" : $"{value}";
}
