using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.GpuTests;

/// <summary>What a session does at its start, in its runs, and when CUDA fails.</summary>
public sealed class SessionTests : StandInTrial
{
    [StandInFact]
    public void Run_AfterTheStart_SendsItsRowsAndReplaysAndDoesNothingElse()
    {
        using var checkpoint = Open(Small);
        using var session = AstSession.Create(
            checkpoint, OnCuda with { Precision = ModelPrecision.Float16, BatchSizes = [1, 4], Slots = 2 });
        var start = Cuda.Take();
        Assert.Equal(4, start.Count(c => c is { Verb: "CAPTURE", Rest: "begin" })); // two sizes in two slots

        for (var run = 0; run < 3; run++)
        {
            for (var slot = 0; slot < 2; slot++)
            {
                foreach (var rows in (int[])[1, 3, 4])
                {
                    for (var row = 0; row < rows; row++)
                    {
                        session.Input(row, slot).Fill(row);
                        session.InputReady(row, slot);
                    }

                    session.Run(rows, slot);
                    var calls = Cuda.Take();
                    var copies = calls.Where(c => c.Verb == "COPY").ToList();
                    Assert.Equal(rows, copies.Count);
                    Assert.All(copies, c => Assert.StartsWith($"async up {256 * 128 * 2} ", c.Rest, StringComparison.Ordinal));
                    Assert.Single(calls, c => c.Verb == "REPLAY");
                    Assert.All(calls, c => Assert.Contains(c.Verb, (string[])["COPY", "REPLAY", "WAIT"]));
                }
            }
        }
    }

    /// <summary>What a row becomes on its way is what transformers' extractor gives, rounded to half.</summary>
    [StandInFact]
    public void InputReady_LogMel_IsNormalisedAndRoundedOnTheWay()
    {
        using var checkpoint = Open(Small);
        using var session = new SessionProbe(checkpoint, OnCuda with { Precision = ModelPrecision.Float16 });
        var row = session.Rows.Fill(0);
        for (var i = 0; i < row.Length; i++)
            row[i] = (i % 300 / 10f) - 16;

        session.Rows.Send(0);
        session.Rows.Wait();

        using var tensor = session.Rows.Tensor(0, 1, [256, 128]);
        var sent = session.Read<Half>(tensor);
        var (mean, std) = (checkpoint.Extractor.Mean, checkpoint.Extractor.Std);
        for (var i = 0; i < sent.Length; i++)
            Assert.Equal((Half)(((i % 300 / 10f) - 16 - mean) / (2 * std)), sent[i]);
    }

    [StandInFact]
    public void Create_SessionsOfTwoModelsAtOnceBesideOneThatRuns_NoCaptureMeetsAnotherThread()
    {
        Cuda.DelayCaptures(TimeSpan.FromMilliseconds(3));
        using var small = Open(Small);
        using var wide = Open("ast-small-10x10");
        var options = OnCuda with { Precision = ModelPrecision.Float16, Slots = 2 };
        using var running = AstSession.Create(small, options);
        using var end = new CancellationTokenSource();
        var thread = new Thread(() =>
        {
            for (var slot = 0; !end.IsCancellationRequested; slot = 1 - slot)
            {
                running.Input(0, slot).Clear();
                running.InputReady(0, slot);
                running.Run(1, slot);
            }
        });
        thread.Start();

        var sessions = new AstSession?[3];
        Parallel.For(0, 3, i => sessions[i] = AstSession.Create(i == 0 ? wide : small, options));

        end.Cancel();
        thread.Join();
        Parallel.ForEach(sessions, s => s!.Dispose());
        var calls = Cuda.Take();
        Assert.Equal(4 * 4, calls.Count(c => c is { Verb: "CAPTURE", Rest: "begin" }));
        Assert.DoesNotContain(calls, c => c.Mark == 'X' || c.Verb == "FORBIDDEN");
    }

    [StandInFact]
    public void Run_ReplayFails_SessionIsBrokenAndCallsCudaNoMore()
    {
        using var checkpoint = Open(Small);
        using var session = AstSession.Create(checkpoint, OnCuda);
        session.Input(0).Clear();
        Cuda.Fail("cudaGraphLaunch", after: 0, times: 1);

        var e = Assert.Throws<ModelExecutionException>(() => session.Run(1));

        Assert.Contains("a run of 1 windows failed on cuda", e.Message, StringComparison.Ordinal);
        Assert.True(session.IsBroken);
        Cuda.Take();
        e = Assert.Throws<ModelExecutionException>(() => session.Run(1));
        Assert.Contains("Expected the session to be closed and opened again", e.Message, StringComparison.Ordinal);
        Assert.Empty(Cuda.Take());
    }

    [StandInFact]
    public void InputReady_CopyFails_SessionIsBroken()
    {
        using var checkpoint = Open(Small);
        using var session = AstSession.Create(checkpoint, OnCuda);
        session.Input(0).Clear();
        Cuda.Fail("cudaMemcpyAsync", after: 0, times: 1);

        session.InputReady(0); // the node that fills rows must not fail

        Assert.True(session.IsBroken);
        var e = Assert.Throws<ModelExecutionException>(() => session.Run(1));
        Assert.Contains("a copy to it failed on cuda", e.Message, StringComparison.Ordinal);
    }

    /// <summary>A kernel that fails while it is captured leaves a part of a graph: nothing of it may ever run.</summary>
    [StandInTheory]
    [InlineData("cublas")]
    [InlineData("cudaLaunchKernel")]
    public void Create_KernelFailsInACapture_IsRefused(string call)
    {
        using var checkpoint = Open(Small);
        AstSession.Create(checkpoint, OnCuda with { Precision = ModelPrecision.Float16 }).Dispose();
        var calls = Cuda.Take().TakeWhile(c => c is not { Verb: "CAPTURE", Rest: "begin" })
            .Count(c => c.Verb == (call == "cublas" ? "PRODUCT" : "KERNEL"));
        Cuda.Fail(call, after: calls + 2, times: 1);

        var e = Assert.Throws<ModelExecutionException>(
            () => AstSession.Create(checkpoint, OnCuda with { Precision = ModelPrecision.Float16 }));

        Assert.Contains("on cuda in float16", e.Message, StringComparison.Ordinal);
        Assert.Contains(Cuda.Take(), c => c.Verb == "FAILS" && c.Mark == 'C');
    }

    /// <summary>Real logits are far from the stand-ins' zeros.</summary>
    [StandInFact]
    public void Create_ScoresAreOffAndMayFallBack_RunsOnTheCpuForNow()
    {
        using var checkpoint = Open(Small);
        using var session = AstSession.Create(checkpoint, OnCuda with { Fallback = true, Parity = ParityMode.Refuse });

        Assert.True(session.IsFallback);
        Assert.Equal([ExecutionProvider.Cpu], session.Providers);
        Assert.Contains(session.Warnings, w => w.Contains("cuda is passed over", StringComparison.Ordinal));
    }

    [StandInFact]
    public void Create_DeviceFailsAndMayFallBack_RunsOnTheCpuForNow()
    {
        using var checkpoint = Open(Small);
        Cuda.Fail("cudaMalloc", after: 0, times: int.MaxValue);

        using var session = AstSession.Create(checkpoint, OnCuda with { Fallback = true, Parity = ParityMode.Refuse });

        Assert.True(session.IsFallback);
        Assert.Equal([ExecutionProvider.Cpu], session.Providers);
        Assert.Equal(ModelPrecision.Float32, session.Precision);
        Assert.Contains(session.Warnings, w => w.Contains("cuda is passed over", StringComparison.Ordinal));
    }
}
