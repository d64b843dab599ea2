namespace AstStream.Model.Runtime;

/// <summary>
/// One thread for one session's whole life. ONNX Runtime keeps a CUDA graph and its libraries' handles for the thread that made them: on
/// another thread it would capture everything again, and keep both.
/// </summary>
internal sealed class SessionThread : IDisposable
{
    private readonly SemaphoreSlim _start = new(0);
    private readonly SemaphoreSlim _done = new(0);
    private readonly Thread _thread;
    private Action? _work;
    private Exception? _error;

    public SessionThread()
    {
        _thread = new Thread(Loop) { IsBackground = true, Name = "aststream session" };
        _thread.Start();
    }

    /// <summary>Runs some work on the thread and waits for it; its exception comes out here. For one caller at a time.</summary>
    public void Do(Action work)
    {
        _work = work;
        _start.Release();
        _done.Wait();
        if (_error is { } error)
        {
            _error = null;
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
        }
    }

    /// <summary>Ends the thread.</summary>
    public void Dispose()
    {
        _work = null;
        _start.Release();
        _thread.Join();
        _start.Dispose();
        _done.Dispose();
    }

    private void Loop()
    {
        while (true)
        {
            _start.Wait();
            if (_work is not { } work)
                return;
            try
            {
                work();
            }
            catch (Exception e)
            {
                _error = e; // thrown again where it was waited for
            }

            _done.Release();
        }
    }
}
