using AstStream.Station.Store;
using AstStream.Streaming.Sinks;

namespace AstStream.Station.Notify;

/// <summary>The store that notifications wait in: a station's, or a file of their own, which this run alone has then.</summary>
internal sealed class NoticeStore : IAsyncDisposable
{
    private readonly StoreSink? _own;
    private FileStream? _held;

    private NoticeStore(string path, Action<Action<StoreWriter>> use, StoreSink? own) => (Path, Use, _own) = (path, use, own);

    /// <summary>The SQLite file.</summary>
    public string Path { get; }

    /// <summary>Writes to it.</summary>
    public Action<Action<StoreWriter>> Use { get; }

    /// <summary>A station's, which opens and closes it.</summary>
    /// <param name="path">Its store.</param>
    /// <param name="use">Writes to it.</param>
    public static NoticeStore Of(string path, Action<Action<StoreWriter>> use) => new(path, use, own: null);

    /// <summary>A file for notifications alone.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">The clock.</param>
    public static NoticeStore Own(string path, TimeProvider time)
    {
        var own = StoreSink.Make(path, TimeSpan.FromDays(1), time);
        return new NoticeStore(path, own.Use, own);
    }

    /// <summary>Opens it, and makes it where it is missing.</summary>
    /// <exception cref="SinkException">It can't be used, or another run has it.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        if (_own is null)
            return;
        _held = RunLock.Take(Path + ".lock", Path, "a file that may be written to, and that no other run has");
        await _own.OpenAsync(cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_own is not null)
            await _own.DisposeAsync().ConfigureAwait(false);
        if (_held is not null)
            await _held.DisposeAsync().ConfigureAwait(false);
    }
}
