using AstStream.Model.Checkpoints;

namespace AstStream.Model.Runtime;

/// <summary>
/// Keeps CUDA graphs whole. While ONNX Runtime captures one, a call of any other thread of the process to CUDA may fail, or spoil the
/// capture: so sessions are opened one after another, and a capture has the devices to itself.
/// </summary>
internal static class DeviceGate
{
    private static readonly TimeSpan s_longestOpening = TimeSpan.FromMinutes(15); // TensorRT builds its engines then
    private static readonly TimeSpan s_longestRun = TimeSpan.FromMinutes(1);
    private static readonly Lock s_openings = new();
    private static readonly ReaderWriterLockSlim s_calls = new();

    /// <summary>Opens a session, after those that are being opened.</summary>
    /// <exception cref="ModelExecutionException">Another one does not come to an end.</exception>
    public static T Open<T>(Func<T> open)
    {
        if (!s_openings.TryEnter(s_longestOpening))
            throw new ModelExecutionException(
                $"another session has been opening for over {s_longestOpening.TotalMinutes:0} minutes; this one can't be opened beside it");
        try
        {
            return open();
        }
        finally
        {
            s_openings.Exit();
        }
    }

    /// <summary>Lets this thread call CUDA, beside others that do, until it is disposed; not while a graph is captured.</summary>
    public static Scope Use() => s_calls.TryEnterReadLock(s_longestRun) ? new Scope(ScopeKind.Use)
        : throw new CudaException($"a capture has kept the GPU for over {s_longestRun.TotalSeconds:0} s");

    /// <summary>Lets this thread alone call CUDA, until it is disposed.</summary>
    public static Scope Capture() => s_calls.TryEnterWriteLock(s_longestRun) ? new Scope(ScopeKind.Capture)
        : throw new CudaException($"a run of another session has kept the GPU for over {s_longestRun.TotalSeconds:0} s");

    /// <summary>The same as <see cref="Use"/>, or nothing.</summary>
    public static Scope UseIf(bool isOnGpu) => isOnGpu ? Use() : default;

    /// <summary>What a thread may call, until it is disposed.</summary>
    public readonly ref struct Scope
    {
        private readonly ScopeKind _kind;

        internal Scope(ScopeKind kind) => _kind = kind;

        public void Dispose()
        {
            if (_kind == ScopeKind.Use)
                s_calls.ExitReadLock();
            else if (_kind == ScopeKind.Capture)
                s_calls.ExitWriteLock();
        }
    }

    internal enum ScopeKind
    {
        None,
        Use,
        Capture,
    }
}
