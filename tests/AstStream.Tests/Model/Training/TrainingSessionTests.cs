using AstStream.Model.Training;

namespace AstStream.Tests.Model.Training;

/// <summary>Gradients and steps against PyTorch's in float64 (reference/training.py).</summary>
public sealed class TrainingSessionTests
{
    private const double Tolerance = 1e-5;

    [Theory]
    [InlineData("gradients-bce", TrainingLoss.BinaryCrossEntropy, false, false)]
    [InlineData("gradients-bce", TrainingLoss.BinaryCrossEntropy, false, true)]
    [InlineData("gradients-cross-entropy", TrainingLoss.CrossEntropy, false, false)]
    [InlineData("gradients-columns", TrainingLoss.BinaryCrossEntropy, true, false)]
    [InlineData("gradients-columns", TrainingLoss.BinaryCrossEntropy, true, true)]
    public void Accumulate_AReferenceBatch_GivesPyTorchsGradients(string vectors, TrainingLoss loss, bool hasColumns, bool checkpoints)
    {
        var expected = TrainingTrial.Tensors(vectors + ".safetensors");
        using var session = TrainingTrial.Session(
            new TrainingSessionOptions { Batch = TrainingTrial.Rows, Loss = loss, TrainsColumns = hasColumns, Checkpoints = checkpoints });

        var report = session.Accumulate(TrainingTrial.Batch(session, loss, hasColumns), isFirst: true);

        Assert.Null(report.NotFinite);
        Assert.Equal(
            expected.Keys.Where(k => !k.EndsWith("key.bias", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            session.Trained.Order(StringComparer.Ordinal));
        var squares = 0.0;
        foreach (var name in session.Trained)
        {
            Assert.InRange(TrainingTrial.Error(session.Gradient(name), expected[name]), 0, Tolerance);
            squares += expected[name].Sum(v => (double)v * v);
        }

        Assert.Equal(Math.Sqrt(squares), report.Norm, Tolerance * report.Norm);
    }

    /// <summary>The loss of the logits is no part of it, and nothing else has a gradient.</summary>
    [Fact]
    public void Accumulate_TheLocaliserAlone_GivesItsGradientsAndNoOthers()
    {
        var expected = TrainingTrial.Tensors("gradients-columns.safetensors");
        using var session = TrainingTrial.Session(
            new TrainingSessionOptions { Batch = TrainingTrial.Rows, TrainsColumns = true, TrainsColumnsAlone = true });
        var batch = TrainingTrial.Batch(session, TrainingLoss.BinaryCrossEntropy, hasColumns: true);

        var report = session.Accumulate(batch, isFirst: true);

        Assert.Equal(6, session.Trained.Count);
        Assert.All(session.Trained, name => Assert.StartsWith("localiser.", name, StringComparison.Ordinal));
        foreach (var name in session.Trained)
            Assert.InRange(TrainingTrial.Error(session.Gradient(name), expected[name]), 0, Tolerance);
        var (_, columns) = session.Evaluate(batch.Inputs);
        Assert.Equal(
            columns.Select((x, i) => batch.ColumnWeights[i] * (Math.Log(1 + Math.Exp(x)) - (x * batch.ColumnTargets[i]))).Sum(),
            report.Loss, 1e-4);
    }

    [Fact]
    public void Accumulate_RowAfterRow_GivesTheGradientsOfTheBatch()
    {
        var expected = TrainingTrial.Tensors("gradients-bce.safetensors");
        using var session = TrainingTrial.Session(new TrainingSessionOptions { Batch = 2 });
        for (var i = 0; i < 2; i++) // the second time what was there is forgotten
        {
            session.Accumulate(
                TrainingTrial.Batch(session, TrainingLoss.BinaryCrossEntropy, hasColumns: false, from: 0, rows: 2), isFirst: true);
            session.Accumulate(
                TrainingTrial.Batch(session, TrainingLoss.BinaryCrossEntropy, hasColumns: false, from: 2, rows: 1), isFirst: false);
        }

        foreach (var name in session.Trained)
            Assert.InRange(TrainingTrial.Error(session.Gradient(name), expected[name]), 0, Tolerance);
    }

    [Fact]
    public void Update_TwentySteps_GivesPyTorchsWeightsAndLosses()
    {
        const float most = 0.5f;
        var losses = Reference.Npy($"{TrainingTrial.Folder}/adamw-losses.npy").Values;
        var expected = TrainingTrial.Tensors("adamw.safetensors");
        using var session = TrainingTrial.Session(
            new TrainingSessionOptions { Batch = TrainingTrial.Rows, WeightDecay = 0.05 });
        var batch = TrainingTrial.Batch(session, TrainingLoss.BinaryCrossEntropy, hasColumns: false);
        for (var step = 1; step <= 20; step++)
        {
            var report = session.Accumulate(batch, isFirst: true);
            Assert.Equal(losses[2 * (step - 1)], report.Loss, 1e-5);
            Assert.Equal(losses[(2 * (step - 1)) + 1], report.Norm, 1e-3 * report.Norm);
            session.Update(1e-3, step, Math.Min(1, most / (report.Norm + 1e-6)), average: 0);
        }

        foreach (var name in session.Trained)
            Assert.InRange(TrainingTrial.Error(session.Evaluated(name), expected[name]), 0, 1e-4);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Accumulate_LayersFromOneOn_TrainsTheseAlone(int first)
    {
        var expected = TrainingTrial.Tensors("gradients-bce.safetensors");
        using var session = TrainingTrial.Session(new TrainingSessionOptions { Batch = TrainingTrial.Rows, FirstTrained = first });
        session.Accumulate(TrainingTrial.Batch(session, TrainingLoss.BinaryCrossEntropy, hasColumns: false), isFirst: true);

        Assert.DoesNotContain(session.Trained, n => n.Contains("embeddings", StringComparison.Ordinal));
        Assert.DoesNotContain(session.Trained, n => n.Contains("layer.0", StringComparison.Ordinal));
        Assert.Equal(first == 1, session.Trained.Any(n => n.Contains("layer.1", StringComparison.Ordinal)));
        Assert.Contains("classifier.dense.weight", session.Trained);
        foreach (var name in session.Trained)
            Assert.InRange(TrainingTrial.Error(session.Gradient(name), expected[name]), 0, Tolerance);
    }

    [Fact]
    public void Logits_WithAnAverage_AreOfTheAverage()
    {
        using var session = TrainingTrial.Session(new TrainingSessionOptions { Batch = TrainingTrial.Rows, Averages = true });
        var batch = TrainingTrial.Batch(session, TrainingLoss.BinaryCrossEntropy, hasColumns: false);
        var before = session.Evaluate(batch.Inputs).Logits;
        Reference.AssertClose(
            Reference.Npy($"{TrainingTrial.Folder}/{Reference.Clips[0]}.logits.npy").Values, before.AsSpan(0, 5), 1e-3f);
        for (var step = 1; step <= 2; step++)
        {
            session.Accumulate(batch, isFirst: true);
            session.Update(1e-2, step, 1, average: 0);
        }

        Assert.Equal(before, session.Evaluate(batch.Inputs).Logits);
        var name = session.Trained[^1];
        var (kept, weights) = (session.Evaluated(name), session.Read(name));
        session.Update(0, 3, 1, average: 0.25);

        Reference.AssertClose(
            [.. kept.Zip(weights, (k, w) => k + (0.25f * (w - k)))], session.Evaluated(name), 1e-6f);
        Assert.NotEqual(before, session.Evaluate(batch.Inputs).Logits);
    }

    [Fact]
    public void Accumulate_NaNInASample_SaysWhatIsNotFinite()
    {
        using var session = TrainingTrial.Session(new TrainingSessionOptions { Batch = TrainingTrial.Rows });
        var batch = TrainingTrial.Batch(session, TrainingLoss.BinaryCrossEntropy, hasColumns: false);
        batch.Inputs[7] = float.NaN;
        Assert.Equal("the loss", session.Accumulate(batch, isFirst: true).NotFinite);
        batch.Inputs[7] = 0;
        Assert.Null(session.Accumulate(batch, isFirst: true).NotFinite); // and nothing is left of it
    }

    [Fact]
    public void State_WrittenIntoAnotherSession_GoesOnBitForBit()
    {
        var options = new TrainingSessionOptions { Batch = TrainingTrial.Rows, Averages = true, LayerDecay = 0.8 };
        using var undisturbed = TrainingTrial.Session(options);
        using var first = TrainingTrial.Session(options);
        using var second = TrainingTrial.Session(options);
        void Steps(TrainingSession session, int from, int to)
        {
            var batch = TrainingTrial.Batch(session, TrainingLoss.BinaryCrossEntropy, hasColumns: false);
            for (var step = from; step <= to; step++)
            {
                session.Accumulate(batch, isFirst: true);
                session.Update(1e-3, step, 1, 0.1);
            }
        }

        Steps(undisturbed, 1, 6);
        Steps(first, 1, 3);
        foreach (var name in first.State)
            second.Write(name, first.Read(name));
        Steps(second, 4, 6);

        foreach (var name in undisturbed.State)
            Assert.Equal(undisturbed.Read(name), second.Read(name));
    }
}
